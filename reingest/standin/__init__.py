"""A local Elexon for tests, demos and drills: recorded, archived or generated days, restatements, scripted faults."""
