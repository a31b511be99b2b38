"""Tuned and prompted together: with which prompt a trained adapter is judged.

The adapter is asked on dev with the prompt it was trained with, with the leader and with
demonstrations; what is chosen there is what the sealed split judges, in one look.
"""
