/// JSON that was checked and is kept as the bytes that it came in, so that it takes no more memory than these, whatever
/// stands in it. What is asked for is read when it is asked for.
///
/// Of a key that comes twice the last value counts, as in a `JSONValue`.
package struct JSONDocument: Sendable {
    private let bytes: [UInt8]
    /// Where the value stands, without white space around it.
    private let range: Range<Int>

    /// Checks that the bytes are one JSON value, as strictly as `JSONValue.init(parsing:)`. Keeps the array and no copy.
    package init(checking bytes: [UInt8]) throws(JSONFault) {
        var fault: JSONFault?
        var range = 0..<0
        bytes.withUnsafeBytes { buffer in
            var walker = JSONWalker(buffer, JSONMemberFinder(depth: 0, limit: 1))
            do throws(JSONFault) {
                try walker.document()
                range = walker.visitor.found.first?.range ?? range
            } catch {
                fault = error
            }
        }
        if let fault { throw fault }
        self.bytes = bytes
        self.range = range
    }

    private init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        self.range = range
    }

    /// How many bytes the value has as it came.
    package var count: Int { range.count }

    /// Whether it is an object.
    package var isObject: Bool { bytes[range.lowerBound] == UInt8(ascii: "{") }
    /// Whether it is a list.
    package var isList: Bool { bytes[range.lowerBound] == UInt8(ascii: "[") }
    /// Whether it is a list or an object.
    private var isContainer: Bool { isObject || isList }
    /// Whether it is null.
    package var isNull: Bool { bytes[range.lowerBound] == UInt8(ascii: "n") }
    /// The text, where it is one.
    package var text: String? { isContainer ? nil : value.text }
    /// The truth value, where it is one.
    package var bool: Bool? { isContainer ? nil : value.bool }
    /// The whole number, where it is one.
    package var integer: Int64? { isContainer ? nil : value.integer }
    /// The number, where it is one.
    package var double: Double? { isContainer ? nil : value.double }

    /// The value as a tree: for what is known to be small.
    package var value: JSONValue {
        // It was checked.
        walk(JSONTreeBuilder()).root ?? .null
    }

    /// The member of that name; nil where there is none, or this is not an object. Reads the whole object.
    package subscript(key: String) -> JSONDocument? {
        guard isObject else { return nil }
        let wanted = Array(key.utf8)
        return walk(JSONMemberFinder(depth: 1, limit: 1, key: wanted)).found.last.map { JSONDocument(bytes, $0.range) }
    }

    /// The members, of each key the last; nil where there are more than `limit`, or this is not an object.
    package func members(limit: Int) -> [(key: String, value: JSONDocument)]? {
        guard isObject else { return nil }
        let finder = walk(JSONMemberFinder(depth: 1, limit: limit))
        guard finder.count <= limit else { return nil }
        return finder.found.map { ($0.key, JSONDocument(bytes, $0.range)) }
    }

    /// The elements; nil where there are more than `limit`, or this is not a list.
    package func elements(limit: Int) -> [JSONDocument]? {
        guard isList else { return nil }
        let finder = walk(JSONMemberFinder(depth: 1, limit: limit))
        guard finder.count <= limit else { return nil }
        return finder.found.map { JSONDocument(bytes, $0.range) }
    }

    /// The value as text in a style without sorted keys and without indentation. Takes the memory of that text and no more.
    package func text(_ style: JSONStyle) -> String {
        guard !style.sortsKeys, style.indent == nil else { return value.text(style) }
        let count = length(style)
        return String(unsafeUninitializedCapacity: count) { buffer in
            walk(JSONTextWriter(style: style, target: buffer)).count
        }
    }

    /// How many bytes `text(_:)` has in such a style.
    package func length(_ style: JSONStyle) -> Int { walk(JSONTextWriter(style: style, target: nil)).count }

    private func walk<Visitor: JSONVisitor>(_ visitor: Visitor) -> Visitor {
        bytes.withUnsafeBytes { buffer in
            let text = UnsafeRawBufferPointer(rebasing: buffer[..<range.upperBound])
            var walker = JSONWalker(text, from: range.lowerBound, visitor)
            try? walker.document()
            return walker.visitor
        }
    }
}

/// Finds where the values of one level stand.
struct JSONMemberFinder: JSONVisitor {
    /// How many containers are around the values that are looked for.
    let depth: Int
    /// How many are kept.
    let limit: Int
    /// Only values of this key, of which the last is kept; nil for all.
    var key: [UInt8]?
    /// What was found, of each key the last.
    private(set) var found: [(key: String, range: Range<Int>)] = []
    /// How many there were.
    private(set) var count = 0

    private var level = 0
    private var start = 0
    private var name = ""
    private var isWanted = true

    init(depth: Int, limit: Int, key: [UInt8]? = nil) {
        self.depth = depth
        self.limit = limit
        self.key = key
    }

    mutating func begin(_ container: JSONContainer, at offset: Int) {
        if level == depth { start = offset }
        level += 1
    }

    mutating func end(_ container: JSONContainer, at offset: Int) {
        level -= 1
        if level == depth { add(start..<offset) }
    }

    mutating func key(_ token: JSONStringToken, in tokens: JSONTokens) {
        guard level == depth else { return }
        guard let key else {
            if count < limit { name = tokens.text(token) }
            return
        }
        isWanted =
            token.isPlain ? tokens.bytes[token.range].elementsEqual(key) : tokens.text(token).utf8.elementsEqual(key)
    }

    mutating func text(_ token: JSONStringToken, in tokens: JSONTokens) {
        if level == depth { add(token.range.lowerBound - 1..<token.range.upperBound + 1) }
    }

    mutating func number(_ range: Range<Int>, in tokens: JSONTokens) { if level == depth { add(range) } }

    mutating func word(_ word: Bool?, at range: Range<Int>) { if level == depth { add(range) } }

    mutating func comma() {}

    private mutating func add(_ range: Range<Int>) {
        guard isWanted else { return }
        if key != nil {
            found = [("", range)]
            return
        }
        count += 1
        guard count <= limit else { return }
        if !name.isEmpty, let index = found.firstIndex(where: { $0.key.utf8.elementsEqual(name.utf8) }) {
            found[index].range = range
        } else {
            found.append((name, range))
        }
    }
}

/// Writes JSON in another spacing, or counts the bytes of that.
struct JSONTextWriter: JSONVisitor {
    let style: JSONStyle
    /// Where to write; nil to count only.
    let target: UnsafeMutableBufferPointer<UInt8>?
    private(set) var count = 0
    private var isAfterKey = false

    init(style: JSONStyle, target: UnsafeMutableBufferPointer<UInt8>?) {
        self.style = style
        self.target = target
    }

    mutating func begin(_ container: JSONContainer, at offset: Int) { add(container == .list ? 0x5b : 0x7b) }

    mutating func end(_ container: JSONContainer, at offset: Int) { add(container == .list ? 0x5d : 0x7d) }

    mutating func key(_ token: JSONStringToken, in tokens: JSONTokens) {
        text(token, in: tokens)
        add(style.colon)
    }

    mutating func text(_ token: JSONStringToken, in tokens: JSONTokens) {
        add(UInt8(ascii: "\""))
        if token.isPlain, !style.isPython {
            add(tokens.bytes[token.range])
        } else {
            tokens.forEachRun(of: token) { add($0, of: tokens) }
        }
        add(UInt8(ascii: "\""))
    }

    mutating func number(_ range: Range<Int>, in tokens: JSONTokens) {
        guard style.isPython else { return add(tokens.bytes[range]) }
        add(JSONNumber(checked: String(decoding: tokens.bytes[range], as: UTF8.self)).asPython)
    }

    mutating func word(_ word: Bool?, at range: Range<Int>) {
        add(word.map { $0 ? "true" : "false" } ?? "null")
    }

    mutating func comma() { add(style.comma) }

    private mutating func add(_ run: JSONTokens.Run, of tokens: JSONTokens) {
        switch run {
        case .plain(let range) where !style.isPython: add(tokens.bytes[range])
        case .plain(let range):
            // Escaped a little at a time: a character takes up to six times its bytes.
            for scalar in String(decoding: tokens.bytes[range], as: UTF8.self).unicodeScalars { escape(scalar) }
        case .escaped(let scalar):
            if style.isPython || scalar.value < 0x20 || scalar == "\"" || scalar == "\\" {
                escape(scalar)
            } else {
                add(String(scalar))
            }
        }
    }

    private mutating func escape(_ scalar: Unicode.Scalar) {
        if (0x20...0x7e).contains(scalar.value), scalar != "\"", scalar != "\\" { return add(UInt8(scalar.value)) }
        let quoted = EscapedJSON.quote(String(scalar)).utf8
        for byte in quoted.dropFirst().dropLast() { add(byte) }
    }

    private mutating func add(_ text: String) { for byte in text.utf8 { add(byte) } }

    private mutating func add(_ byte: UInt8) {
        target?[count] = byte
        count += 1
    }

    private mutating func add(_ bytes: Slice<UnsafeRawBufferPointer>) {
        if let target, let source = bytes.base.baseAddress, !bytes.isEmpty {
            UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(target)[count...])
                .copyMemory(from: UnsafeRawBufferPointer(start: source + bytes.startIndex, count: bytes.count))
        }
        count += bytes.count
    }
}
