internal import Glibc
internal import Synchronization

/// Asks the person at the terminal for the passphrase of a key. Only ever called where there is one.
enum Passphrase {
    /// The longest passphrase that is taken, in bytes.
    private static let longest = 1024

    /// How the terminal was before something was asked; nil while nothing is.
    private static let before = Mutex<termios?>(nil)

    /// Shows again what is typed, if an interruption comes while something is asked.
    static func restoreTerminal() {
        guard var settings = before.withLock({ $0 }) else { return }
        let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
        if terminal >= 0 { tcsetattr(terminal, TCSAFLUSH, &settings) }
    }

    /// Asks on the terminal itself, without showing what is typed; nil where there is none, or nothing was typed.
    static func ask(for keyFile: String) -> String? {
        let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
        guard terminal >= 0 else { return nil }
        defer { close(terminal) }
        var usual = termios()
        guard tcgetattr(terminal, &usual) == 0 else { return nil }
        var silent = usual
        silent.c_lflag &= ~tcflag_t(ECHO)
        write("passphrase of '\(keyFile)': ", to: terminal)
        before.withLock { [usual] in $0 = usual }
        guard tcsetattr(terminal, TCSAFLUSH, &silent) == 0 else { return nil }
        defer {
            tcsetattr(terminal, TCSAFLUSH, &usual)
            before.withLock { $0 = nil }
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
