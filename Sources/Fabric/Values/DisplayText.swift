/// Text from elsewhere, made fit to be shown: names, claims, answers, and the paths that the user gave.
///
/// It stays on its line, moves no cursor, and looks like nothing else: control characters, line and paragraph
/// separators, what turns the direction of writing round, and what cannot be seen, are shown as escapes.
public enum DisplayText {
    /// `text` as one line of at most `limit` characters, with `…` where it was cut.
    public static func line(_ text: some StringProtocol, atMost limit: Int = 200) -> String {
        var shown = ""
        var count = 0
        for scalar in text.unicodeScalars {
            guard count < limit else { return shown + "…" }
            count += 1
            if isHidden(scalar) {
                shown += scalar.escaped(asASCII: true)
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }

    /// `bytes` as one line: a path, which need not be UTF-8.
    public static func line(_ bytes: some Sequence<UInt8>, atMost limit: Int = 200) -> String {
        line(String(decoding: Array(bytes), as: UTF8.self), atMost: limit)
    }

    /// Text that may have several lines, each of them fit to be shown. CR LF ends a line as LF does.
    public static func lines(_ text: String) -> [String] {
        var lines: [String] = []
        var current = String.UnicodeScalarView()
        var afterReturn = false
        for scalar in text.unicodeScalars {
            if scalar == "\n" {
                if afterReturn { current.removeLast() }
                lines.append(line(String(current), atMost: .max))
                current = .init()
            } else {
                current.append(scalar)
            }
            afterReturn = scalar == "\r"
        }
        return lines + [line(String(current), atMost: .max)]
    }

    /// The text of a JSON value with every character escaped, as JSON escapes it, that could do something to a terminal.
    public static func json(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isHidden) else { return text }
        var shown = ""
        for scalar in text.unicodeScalars {
            guard isHidden(scalar), scalar != "\n" else {
                shown.unicodeScalars.append(scalar)
                continue
            }
            for unit in String(scalar).utf16 {
                let digits = String(unit, radix: 16)
                shown += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return shown
    }

    /// Whether a character does something to what is shown around it, or shows nothing.
    static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar.value >= 0x7f else { return scalar.value < 0x20 }
        return switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        // What chooses between the forms of the character before it belongs to that character.
        case .nonspacingMark: false
        default: scalar.properties.isDefaultIgnorableCodePoint
        }
    }
}
