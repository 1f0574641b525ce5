internal import Glibc

/// Asks the person at the terminal for the passphrase of a key. Only ever called where there is one.
enum Passphrase {
    /// The longest passphrase that is taken, in bytes.
    private static let longest = 1024

    /// Asks on the terminal itself, without showing what is typed; nil where there is none, or nothing was typed.
    static func ask(for keyFile: String) -> String? {
        let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
        guard terminal >= 0 else { return nil }
        defer { close(terminal) }
        var before = termios()
        guard tcgetattr(terminal, &before) == 0 else { return nil }
        var silent = before
        silent.c_lflag &= ~tcflag_t(ECHO)
        write("passphrase of '\(keyFile)': ", to: terminal)
        guard tcsetattr(terminal, TCSAFLUSH, &silent) == 0 else { return nil }
        defer {
            tcsetattr(terminal, TCSAFLUSH, &before)
            write("\n", to: terminal)
        }
        var typed = [UInt8](repeating: 0, count: longest)
        defer { explicit_bzero(&typed, longest) }
        let count = read(terminal, &typed, longest)
        guard count > 0 else { return nil }
        let line = typed.prefix(count).prefix { $0 != UInt8(ascii: "\n") }
        return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
    }

    private static func write(_ text: String, to terminal: Int32) {
        let bytes = Array(text.utf8)
        _ = Glibc.write(terminal, bytes, bytes.count)
    }
}
