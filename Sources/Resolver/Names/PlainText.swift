/// Text from elsewhere, fit for one line that a person reads.
enum PlainText {
    /// `text` with control characters and invisible formatting replaced, cut to `limit` characters.
    static func line(_ text: some StringProtocol, atMost limit: Int = 200) -> String {
        let scalars = text.unicodeScalars
        let shown = scalars.prefix(limit).map { scalar -> Unicode.Scalar in
            switch scalar.properties.generalCategory {
            // Among the last two are what turns the direction of writing round, and line separators.
            case .control, .format, .lineSeparator, .paragraphSeparator: "?"
            default: scalar
            }
        }
        let isCut = scalars.dropFirst(limit).first != nil
        return String(String.UnicodeScalarView(shown)) + (isCut ? "…" : "")
    }

    /// Whether every byte is a printable ASCII character other than space.
    static func isGraphic(_ text: some StringProtocol) -> Bool {
        text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    }
}
