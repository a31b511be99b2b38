"""Composes contract clauses from drafts."""
