//! Where each Microsoft Defender data environment lives in each cloud.
