/// A name that somebody claims in a header or an audit record, read as laxly as the peers read it (`ains.md`,
/// section 1): it begins with `jis:`, and something stands after its last `@`. Good for looking up and showing; never a
/// target.
public struct ClaimedName: Hashable, Sendable {
    /// The text as it came.
    public let text: String
    /// What stands after the last `@`, as it came.
    public let host: String

    /// Reads a claim; nil for what a peer would not take either, and for control characters.
    public init?(parsing text: String) {
        guard text.utf8.starts(with: "jis:".utf8), text.utf8.count <= 1024,
            text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }),
            let at = text.lastIndex(of: "@")
        else { return nil }
        let host = text[text.index(after: at)...]
        guard !host.isEmpty else { return nil }
        self.text = text
        self.host = String(host)
    }
}
