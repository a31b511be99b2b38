"""The report as data: typed records with a description of every field, written as JSON.

What is said here is public. Within a version of `format` fields are added, never taken away or
given another meaning; the schema beside this package is derived from these records.
"""
