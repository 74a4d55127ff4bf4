//! The hunting APIs of Microsoft Defender: requests, answers, errors.
