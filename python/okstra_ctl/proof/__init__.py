"""What okstra runs itself to see it: exit checks, their proof, qaCommands, executed evidence, all in one way."""
