//! Ask Microsoft Defender questions in KQL.
