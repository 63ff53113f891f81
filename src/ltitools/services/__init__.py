"""The rules: plain functions on the session. They write rows and leave the commit to the caller."""
