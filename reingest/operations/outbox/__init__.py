"""The delivery of facts after their publish: to whom, in which order, and how often it is tried."""
