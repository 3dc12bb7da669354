"""From image and mask as read to what filters and features take: one step a file."""
