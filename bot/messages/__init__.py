"""Everything people read: pure functions from domain values to messages and forms.

No message is ever read back. All outside text goes through `blocks.escape_mrkdwn`.
"""
