"""Scorers of answers with a form: JSON documents and tool calls."""
