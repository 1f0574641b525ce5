/// A JSON value that keeps what it was read with: the order of keys, and how numbers were spelled.
///
/// What passes through (a payload, a token of somebody else) can so be written again without a change that a hash or a
/// signature of the peers would notice.
package enum JSONValue: Sendable {
    case null
    case bool(Bool)
    /// A number as it was spelled.
    case number(JSONNumber)
    case text(String)
    case list([JSONValue])
    case object(JSONObject)
}

/// A JSON number as it was spelled.
package struct JSONNumber: Sendable, Hashable {
    /// The spelling, in JSON's grammar.
    package let text: String

    init(checked text: String) { self.text = text }

    /// An integer.
    package init(_ number: Int64) { text = String(number) }

    /// A number with a fraction, as Python spells it; nil for what JSON does not know.
    package init?(_ number: Double) {
        guard number.isFinite else { return nil }
        text = "\(number)"
    }

    /// The value, where it is a whole number in the range of `Int64` and spelled as one.
    package var integer: Int64? { Int64(text) }

    /// The value as the nearest floating-point number.
    package var double: Double? { Double(text) }

    /// The number as Python would write it after having read it: integers stay, all else is its shortest decimal form.
    var asPython: String {
        guard !text.utf8.allSatisfy({ $0 == UInt8(ascii: "-") || (0x30...0x39).contains($0) }) else {
            return text == "-0" ? "0" : text
        }
        guard let double else { return text }
        if double.isInfinite { return double < 0 ? "-Infinity" : "Infinity" }
        return "\(double)"
    }
}

/// The members of a JSON object in the order in which they came. Of a key that comes twice the last value counts, at the
/// place of the first, as the peers' reader has it.
package struct JSONObject: Sendable, ExpressibleByDictionaryLiteral {
    /// The members.
    package private(set) var members: [(key: String, value: JSONValue)] = []
    /// Where each key is, once there are many: the keys of a few members are compared one by one. Keys are compared as
    /// bytes: Swift would take two spellings of one character for the same.
    private var places: [[UInt8]: Int]?

    private static let few = 8

    /// An object without members.
    package init() {}

    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        for (key, value) in elements { self[key] = value }
    }

    /// The value of `key`; setting nil takes the member out.
    package subscript(key: String) -> JSONValue? {
        get { place(of: key).map { members[$0].value } }
        set {
            switch (place(of: key), newValue) {
            case (let place?, let value?): members[place].value = value
            case (nil, let value?):
                members.append((key, value))
                if places != nil {
                    places?[Array(key.utf8)] = members.count - 1
                } else if members.count > Self.few {
                    findPlaces()
                }
            case (let place?, nil):
                members.remove(at: place)
                if places != nil { findPlaces() }
            case (nil, nil): break
            }
        }
    }

    private func place(of key: String) -> Int? {
        if let places { return places[Array(key.utf8)] }
        return members.firstIndex { $0.key.utf8.elementsEqual(key.utf8) }
    }

    private mutating func findPlaces() {
        places = Dictionary(
            members.enumerated().map { (Array($0.element.key.utf8), $0.offset) }, uniquingKeysWith: { _, last in last })
    }

    /// The keys in order.
    package var keys: [String] { members.map(\.key) }
}

extension JSONValue {
    /// The text, where it is one.
    package var text: String? { if case .text(let text) = self { text } else { nil } }
    /// The truth value, where it is one.
    package var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }
    /// The whole number, where it is one.
    package var integer: Int64? { if case .number(let number) = self { number.integer } else { nil } }
    /// The number, where it is one.
    package var double: Double? { if case .number(let number) = self { number.double } else { nil } }
    /// The values, where it is a list.
    package var list: [JSONValue]? { if case .list(let list) = self { list } else { nil } }
    /// The members, where it is an object.
    package var object: JSONObject? { if case .object(let object) = self { object } else { nil } }
    /// Whether it is null.
    package var isNull: Bool { if case .null = self { true } else { false } }

    /// The member of that name; nil where there is none, or this is no object.
    package subscript(key: String) -> JSONValue? { object?[key] }

    /// A whole number.
    package static func integer(_ number: Int64) -> JSONValue { .number(JSONNumber(number)) }
    /// A whole number.
    package static func integer(_ number: Int) -> JSONValue { .number(JSONNumber(Int64(number))) }
    /// A text, or null.
    package static func text(orNull text: String?) -> JSONValue { text.map(JSONValue.text) ?? .null }
    /// A list of texts.
    package static func texts(_ texts: [String]) -> JSONValue { .list(texts.map(JSONValue.text)) }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(stringLiteral text: String) { self = .text(text) }
    package init(booleanLiteral bool: Bool) { self = .bool(bool) }
    package init(integerLiteral number: Int64) { self = .integer(number) }
    package init(arrayLiteral elements: JSONValue...) { self = .list(elements) }
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        var object = JSONObject()
        for (key, value) in elements { object[key] = value }
        self = .object(object)
    }
}
