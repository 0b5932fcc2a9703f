"""Resets: three separate acts, each with a plan that is shown first, a reason, a backup, and a record.

reset state    what runs remember between them; nothing that is served, stored or archived
reset ops      run logs, runs without a trace, facts that were delivered
reset data     versions of dates, served ones too; the archive stays, and gives them back
"""
