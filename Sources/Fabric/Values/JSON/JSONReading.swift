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
    package init(parsing bytes: some Collection<UInt8>) throws(JSONFault) {
        let parsed: Result<JSONValue, JSONFault>? = bytes.withContiguousStorageIfAvailable { buffer in
            var reader = JSONReader(bytes: UnsafeRawBufferPointer(buffer))
            return Result { () throws(JSONFault) in try reader.document() }
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

/// Reads JSON from bytes that are there as a whole (RFC 8259).
private struct JSONReader {
    let bytes: UnsafeRawBufferPointer
    var offset = 0
    private var depth = 0

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func document() throws(JSONFault) -> JSONValue {
        let value = try value()
        skipSpace()
        guard offset == bytes.count else { throw fault("something follows the value") }
        return value
    }

    private func fault(_ reason: String) -> JSONFault { JSONFault(reason: reason, offset: offset) }

    private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { offset += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        offset += 1
        return true
    }

    private mutating func value() throws(JSONFault) -> JSONValue {
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try nested { reader throws(JSONFault) in .object(try reader.members()) }
        case UInt8(ascii: "["): return try nested { reader throws(JSONFault) in .list(try reader.elements()) }
        case UInt8(ascii: "\""): return .text(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case nil: throw fault("the text ends")
        default: return .number(try number())
        }
    }

    private mutating func nested(
        _ body: (inout JSONReader) throws(JSONFault) -> JSONValue
    ) throws(JSONFault) -> JSONValue {
        depth += 1
        guard depth <= JSONValue.deepest else { throw fault("more than \(JSONValue.deepest) levels") }
        defer { depth -= 1 }
        offset += 1
        return try body(&self)
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws(JSONFault) -> JSONValue {
        for byte in word.utf8 where !take(byte) { throw fault("an unknown word") }
        return value
    }

    private mutating func members() throws(JSONFault) -> JSONObject {
        var object = JSONObject()
        skipSpace()
        if take(UInt8(ascii: "}")) { return object }
        repeat {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw fault("a key was expected") }
            let key = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw fault("a colon was expected") }
            object[key] = try value()
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw fault("the object is not closed") }
        return object
    }

    private mutating func elements() throws(JSONFault) -> [JSONValue] {
        var list: [JSONValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return list }
        repeat {
            list.append(try value())
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw fault("the list is not closed") }
        return list
    }

    private mutating func number() throws(JSONFault) -> JSONNumber {
        let start = offset
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        if take(UInt8(ascii: ".")) { try digits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        return JSONNumber(checked: String(decoding: bytes[start..<offset], as: UTF8.self))
    }

    private mutating func digits() throws(JSONFault) {
        let start = offset
        while let byte = next, (0x30...0x39).contains(byte) { offset += 1 }
        if offset == start { throw fault("a value was expected") }
    }

    private mutating func string() throws(JSONFault) -> String {
        offset += 1
        let end = EscapedJSON.plainRun(in: bytes, from: offset)
        if end < bytes.count, bytes[end] == UInt8(ascii: "\"") {
            defer { offset = end + 1 }
            // Most texts are plain to their end.
            guard let string = String(validating: bytes[offset..<end], as: UTF8.self) else {
                throw fault("a text is not UTF-8")
            }
            return string
        }
        return try escapedString()
    }

    /// The rest of a text in which there may be escapes.
    private mutating func escapedString() throws(JSONFault) -> String {
        var text: [UInt8] = []
        while true {
            // Most of a text is plain: it is taken in runs.
            let start = offset
            offset = EscapedJSON.plainRun(in: bytes, from: start)
            text.append(contentsOf: bytes[start..<offset])
            switch next {
            case UInt8(ascii: "\""):
                offset += 1
                guard let string = String(validating: text, as: UTF8.self) else { throw fault("a text is not UTF-8") }
                return string
            case UInt8(ascii: "\\"): text.append(contentsOf: String(try escape()).utf8)
            case nil: throw fault("a text is not closed")
            default: throw fault("a control character stands in a text")
            }
        }
    }

    private mutating func escape() throws(JSONFault) -> Character {
        offset += 1
        guard let byte = next else { throw fault("a text is not closed") }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return Character(try scalar())
        default: throw fault("an unknown escape")
        }
    }

    private mutating func scalar() throws(JSONFault) -> Unicode.Scalar {
        let first = try codeUnit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard UTF16.isLeadSurrogate(first), take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
            throw fault("half a surrogate pair")
        }
        let second = try codeUnit()
        guard UTF16.isTrailSurrogate(second) else { throw fault("half a surrogate pair") }
        let value = 0x10000 + (UInt32(first) - 0xd800) << 10 + (UInt32(second) - 0xdc00)
        guard let scalar = Unicode.Scalar(value) else { throw fault("half a surrogate pair") }
        return scalar
    }

    private mutating func codeUnit() throws(JSONFault) -> UInt16 {
        guard offset + 4 <= bytes.count,
            let unit = UInt16(String(decoding: bytes[offset..<offset + 4], as: UTF8.self), radix: 16),
            bytes[offset] != UInt8(ascii: "+"), bytes[offset] != UInt8(ascii: "-")
        else { throw fault("four hexadecimal digits were expected") }
        offset += 4
        return unit
    }
}
