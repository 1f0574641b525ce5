internal import Glibc

/// What texts the store takes. One rule for both databases: PostgreSQL knows no U+0000, and its indexes no long keys.
enum Texts {
    /// The most bytes of what is looked up by: names, intents, keys.
    static let longestName = 1024

    /// A name of something.
    static func checkName(_ text: String?, _ field: String) throws(StoreError) {
        guard let text else { return }
        guard text.utf8.count <= longestName else {
            throw .unstorable(field: field, reason: "it is longer than \(longestName) bytes")
        }
        try check(text, field)
    }

    /// Any other text.
    static func check(_ text: String?, _ field: String) throws(StoreError) {
        guard var text else { return }
        // Payloads are long, and as bytes they are looked through many at a time.
        let hasNull = text.withUTF8 { bytes in
            bytes.baseAddress.map { memchr($0, 0, bytes.count) != nil } ?? false
        }
        guard hasNull else { return }
        throw .unstorable(field: field, reason: "it holds the character U+0000")
    }
}
