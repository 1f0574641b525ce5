/// What goes into a statement and comes out of it.
enum SQLValue: Sendable, Equatable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case bytes([UInt8])

    static func optional(_ text: String?) -> SQLValue { text.map { .text($0) } ?? .null }
    static func optional(_ number: Int64?) -> SQLValue { number.map { .integer($0) } ?? .null }
    static func flag(_ isSet: Bool) -> SQLValue { .integer(isSet ? 1 : 0) }
}

/// A statement with a question mark for each argument. No value is ever part of the text.
struct SQLStatement: Sendable {
    let text: String
    let arguments: [SQLValue]

    init(_ text: String, _ arguments: SQLValue...) {
        self.text = text
        self.arguments = arguments
    }

    init(_ text: String, arguments: [SQLValue]) {
        self.text = text
        self.arguments = arguments
    }
}

/// One row of an answer.
struct SQLRow: Sendable {
    let values: [SQLValue]

    /// The number in this column; 0 where there is none.
    func integer(_ column: Int) -> Int64 { optionalInteger(column) ?? 0 }

    func optionalInteger(_ column: Int) -> Int64? {
        guard case .integer(let number) = values[column] else { return nil }
        return number
    }

    func real(_ column: Int) -> Double {
        switch values[column] {
        case .real(let number): number
        case .integer(let number): Double(number)
        default: 0
        }
    }

    /// The text in this column; empty where there is none.
    func text(_ column: Int) -> String { optionalText(column) ?? "" }

    func optionalText(_ column: Int) -> String? {
        guard case .text(let text) = values[column] else { return nil }
        return text
    }

    func bytes(_ column: Int) -> [UInt8] {
        guard case .bytes(let bytes) = values[column] else { return [] }
        return bytes
    }
}

/// What a statement has done.
struct SQLAnswer: Sendable {
    /// The rows that it gave.
    let rows: [SQLRow]
    /// How many rows it inserted, updated or deleted.
    let changes: Int
}
