"""Pictures in and out: reading, luma and colour, thermal ranges, pairing of folders, dataset layouts."""
