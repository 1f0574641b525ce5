internal import Fabric

/// Text from elsewhere, fit for one line that a person reads.
enum PlainText {
    /// `text` as one line that can be shown, cut to `limit` characters.
    static func line(_ text: some StringProtocol, atMost limit: Int = 200) -> String {
        DisplayText.line(text, atMost: limit)
    }

    /// Whether every byte is a printable ASCII character other than space.
    static func isGraphic(_ text: some StringProtocol) -> Bool {
        text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    }
}
