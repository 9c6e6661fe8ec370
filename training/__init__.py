"""Learns: packs screens, pretrains encoders, trains detectors. Reads artifacts through contracts; imports no other room."""
