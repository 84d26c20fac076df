"""A caller and two agents without a desk phone in sight: real SIP phones, in software."""
