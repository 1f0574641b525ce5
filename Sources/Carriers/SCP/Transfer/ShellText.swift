/// Text for a POSIX shell at the far side.
///
/// It goes to the standard input of `/bin/sh`, never into the command that the user's login shell reads. So there is one
/// grammar to be exact about: between single quotes every byte but the single quote stands for itself.
enum ShellText {
    /// `text` as one word, whatever is in it.
    static func quoted(_ text: String) -> String {
        var result: [UInt8] = [UInt8(ascii: "'")]
        for byte in text.utf8 {
            if byte == UInt8(ascii: "'") { result += Array(#"'\''"#.utf8) } else { result.append(byte) }
        }
        return String(decoding: result + [UInt8(ascii: "'")], as: UTF8.self)
    }
}
