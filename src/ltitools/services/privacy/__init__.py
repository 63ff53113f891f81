"""What is kept of people: to show it to them, to erase it, and to let an institution go with all that it has.

Which rows are about somebody is read off the tables (`tables`), so that a new table is not forgotten.
"""
