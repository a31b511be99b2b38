"""Stored runs and decisions, rendered as HTML and Markdown. Calls no model."""
