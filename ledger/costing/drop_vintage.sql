-- Remove the money of a vintage; booked money is elsewhere.
ALTER TABLE cost_vintages DELETE WHERE vintage = {vintage:String} SETTINGS mutations_sync = 1
