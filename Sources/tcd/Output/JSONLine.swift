/// One JSON object on one line, with its keys in the order in which they were given.
///
/// Written by hand because Foundation's encoder sorts or shuffles keys, and costs more to load than it saves.
struct JSONLine {
    /// A JSON value.
    indirect enum Value: Sendable, ExpressibleByStringLiteral {
        case text(String)
        case number(Int64)
        case decimal(Double)
        case flag(Bool)
        case list([Value])
        case object([(String, Value)])
        case null

        init(stringLiteral text: String) { self = .text(text) }

        /// A text, or null.
        init(_ text: String?) { self = text.map(Value.text) ?? .null }

        /// A list of texts.
        init(_ texts: [String]) { self = .list(texts.map(Value.text)) }
    }

    private let fields: [(String, Value)]

    init(_ fields: [(String, Value)]) { self.fields = fields }

    /// The object as text.
    var text: String {
        var text = ""
        Self.append(.object(fields), to: &text)
        return text
    }

    private static func append(_ value: Value, to text: inout String) {
        switch value {
        case .text(let string): appendQuoted(string, to: &text)
        case .number(let number): text += String(number)
        case .decimal(let number): text += number.isFinite ? "\(number)" : "null"
        case .flag(let flag): text += flag ? "true" : "false"
        case .null: text += "null"
        case .list(let values):
            text += "["
            for (index, value) in values.enumerated() {
                if index > 0 { text += "," }
                append(value, to: &text)
            }
            text += "]"
        case .object(let fields):
            text += "{"
            for (index, (key, value)) in fields.enumerated() {
                if index > 0 { text += "," }
                appendQuoted(key, to: &text)
                text += ":"
                append(value, to: &text)
            }
            text += "}"
        }
    }

    private static func appendQuoted(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            default:
                if scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) {
                    let digits = String(scalar.value, radix: 16)
                    text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                } else {
                    text.unicodeScalars.append(scalar)
                }
            }
        }
        text += "\""
    }
}
