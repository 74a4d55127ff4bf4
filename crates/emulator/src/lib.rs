//! An embedded Entra ID, Defender and Graph, for demos and tests.
