/// Why bytes are no JSON.
package struct JSONFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong, lower case, without a full stop.
    package let reason: String
    /// The byte at which it was noticed, from 0.
    package let offset: Int

    package var description: String { "no JSON: \(reason) at byte \(offset)" }
}

extension JSONValue {
    /// How many lists and objects may lie in each other.
    package static let deepest = 64

    /// Reads one JSON value, strictly: nothing before it and nothing after it but white space, no lone surrogates, no
    /// control characters in texts, at most `deepest` levels.
    ///
    /// The value takes up to sixteen times the memory of its text. What may be large and comes from others is read as
    /// a `JSONDocument`.
    package init(parsing bytes: some Collection<UInt8>) throws(JSONFault) {
        let parsed: Result<JSONValue, JSONFault>? = bytes.withContiguousStorageIfAvailable { buffer in
            var walker = JSONWalker(UnsafeRawBufferPointer(buffer), JSONTreeBuilder())
            return Result { () throws(JSONFault) in
                try walker.document()
                return walker.visitor.root ?? .null
            }
        }
        if let parsed {
            self = try parsed.get()
        } else {
            try self.init(parsing: Array(bytes))
        }
    }

    /// Reads one JSON value from text.
    package init(parsing text: String) throws(JSONFault) { try self.init(parsing: Array(text.utf8)) }
}

/// Is told what stands in a JSON text, in the order in which it stands there.
protocol JSONVisitor {
    /// A list or an object begins; at the byte of its bracket.
    mutating func begin(_ container: JSONContainer, at offset: Int)
    /// It ends; after its bracket.
    mutating func end(_ container: JSONContainer, at offset: Int)
    /// The key of the member that follows.
    mutating func key(_ token: JSONStringToken, in tokens: JSONTokens)
    mutating func text(_ token: JSONStringToken, in tokens: JSONTokens)
    mutating func number(_ range: Range<Int>, in tokens: JSONTokens)
    /// `true`, `false`, or nil for `null`.
    mutating func word(_ word: Bool?, at range: Range<Int>)
    /// Another element or member follows.
    mutating func comma()
}

/// What holds other values.
enum JSONContainer {
    case list
    case object
}

/// Reads one JSON text from its beginning to its end and tells a visitor of it.
struct JSONWalker<Visitor: JSONVisitor> {
    var visitor: Visitor
    private var tokens: JSONTokens
    private var depth = 0

    /// Reads from `offset` to the end of `bytes`.
    init(_ bytes: UnsafeRawBufferPointer, from offset: Int = 0, _ visitor: Visitor) {
        tokens = JSONTokens(bytes: bytes, offset: offset)
        self.visitor = visitor
    }

    /// Reads the value and the white space around it.
    mutating func document() throws(JSONFault) {
        try value()
        tokens.skipSpace()
        guard tokens.offset == tokens.bytes.count else { throw tokens.fault("something follows the value") }
    }

    private mutating func value() throws(JSONFault) {
        tokens.skipSpace()
        let start = tokens.offset
        switch tokens.next {
        case UInt8(ascii: "{"): try nested(.object)
        case UInt8(ascii: "["): try nested(.list)
        case UInt8(ascii: "\""): visitor.text(try tokens.string(), in: tokens)
        case UInt8(ascii: "t"):
            try tokens.word("true")
            visitor.word(true, at: start..<tokens.offset)
        case UInt8(ascii: "f"):
            try tokens.word("false")
            visitor.word(false, at: start..<tokens.offset)
        case UInt8(ascii: "n"):
            try tokens.word("null")
            visitor.word(nil, at: start..<tokens.offset)
        case nil: throw tokens.fault("the text ends")
        default: visitor.number(try tokens.number(), in: tokens)
        }
    }

    private mutating func nested(_ container: JSONContainer) throws(JSONFault) {
        depth += 1
        guard depth <= JSONValue.deepest else { throw tokens.fault("more than \(JSONValue.deepest) levels") }
        defer { depth -= 1 }
        visitor.begin(container, at: tokens.offset)
        tokens.offset += 1
        switch container {
        case .object: try members()
        case .list: try elements()
        }
        visitor.end(container, at: tokens.offset)
    }

    private mutating func members() throws(JSONFault) {
        tokens.skipSpace()
        if tokens.take(UInt8(ascii: "}")) { return }
        while true {
            tokens.skipSpace()
            guard tokens.next == UInt8(ascii: "\"") else { throw tokens.fault("a key was expected") }
            visitor.key(try tokens.string(), in: tokens)
            tokens.skipSpace()
            guard tokens.take(UInt8(ascii: ":")) else { throw tokens.fault("a colon was expected") }
            try value()
            tokens.skipSpace()
            guard tokens.take(UInt8(ascii: ",")) else { break }
            visitor.comma()
        }
        guard tokens.take(UInt8(ascii: "}")) else { throw tokens.fault("the object is not closed") }
    }

    private mutating func elements() throws(JSONFault) {
        tokens.skipSpace()
        if tokens.take(UInt8(ascii: "]")) { return }
        while true {
            try value()
            tokens.skipSpace()
            guard tokens.take(UInt8(ascii: ",")) else { break }
            visitor.comma()
        }
        guard tokens.take(UInt8(ascii: "]")) else { throw tokens.fault("the list is not closed") }
    }
}

/// Makes a tree of values.
struct JSONTreeBuilder: JSONVisitor {
    private(set) var root: JSONValue?
    private var containers: [JSONContainer] = []
    private var lists: [[JSONValue]] = []
    private var objects: [JSONObject] = []
    private var keys: [String] = []

    init() {}

    mutating func begin(_ container: JSONContainer, at offset: Int) {
        containers.append(container)
        switch container {
        case .list: lists.append([])
        case .object: objects.append(JSONObject())
        }
    }

    mutating func end(_ container: JSONContainer, at offset: Int) {
        containers.removeLast()
        switch container {
        case .list: add(.list(lists.removeLast()))
        case .object: add(.object(objects.removeLast()))
        }
    }

    mutating func key(_ token: JSONStringToken, in tokens: JSONTokens) { keys.append(tokens.text(token)) }

    mutating func text(_ token: JSONStringToken, in tokens: JSONTokens) { add(.text(tokens.text(token))) }

    mutating func number(_ range: Range<Int>, in tokens: JSONTokens) {
        add(.number(JSONNumber(checked: String(decoding: tokens.bytes[range], as: UTF8.self))))
    }

    mutating func word(_ word: Bool?, at range: Range<Int>) { add(word.map(JSONValue.bool) ?? .null) }

    mutating func comma() {}

    private mutating func add(_ value: JSONValue) {
        switch containers.last {
        case .list: lists[lists.count - 1].append(value)
        case .object: objects[objects.count - 1][keys.removeLast()] = value
        case nil: root = value
        }
    }
}
