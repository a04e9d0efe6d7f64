"""Clean a portrait corpus: three gates, annotation rules, and verdicts that training reads."""
