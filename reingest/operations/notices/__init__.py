"""Notices: what people are told, by webhook, Slack and e-mail, at most once a cause."""
