"""Behind `tunegate.pytest_plugin`: loaded when a suite is collected, and never before.

pytest's process imports only the standard library and pytest from here. Everything that
knows suites works in a process of its own (`serve`), so that a project's own package called
`evals` and tunegate's never meet, and a crash of a model does not end the test run.
"""
