//! Parameterised query definitions for Microsoft Defender.
