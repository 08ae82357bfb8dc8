"""What agents write: results, verdicts, answers; read by the line, so that checking one costs no markdown parser."""
