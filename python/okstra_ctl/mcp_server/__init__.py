"""okstra as a server of the Model Context Protocol, over standard input and output (docs/how-to/mcp.md)."""
