//! Three intrusions, each of which can be followed from table to table.

mod consent;
mod invoice;
mod web_shell;

use super::world::World;

/// Everything that should not have happened.
pub(super) fn generate(world: &mut World) {
    invoice::generate(world);
    consent::generate(world);
    web_shell::generate(world);
}

/// A script as `powershell.exe -EncodedCommand` takes it: Base64 of UTF-16.
pub(super) fn encoded_command(script: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes: Vec<u8> = script.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut text = String::with_capacity(bytes.len() * 4 / 3 + 4);
    for chunk in bytes.chunks(3) {
        let number = chunk
            .iter()
            .fold(0_usize, |number, &byte| number << 8 | usize::from(byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            if place <= chunk.len() {
                text.push(char::from(DIGITS[number >> (18 - 6 * place) & 63]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::encoded_command;

    #[test]
    fn scripts_are_encoded_as_powershell_reads_them() {
        assert_eq!(encoded_command("dir"), "ZABpAHIA");
        assert_eq!(encoded_command("ls"), "bABzAA==");
        assert_eq!(encoded_command("pwd;"), "cAB3AGQAOwA=");
    }
}
