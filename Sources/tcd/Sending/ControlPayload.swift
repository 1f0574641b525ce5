internal import Fabric

/// The small JSON object inside an acknowledgement or a heartbeat, written as the peers write theirs: `", "` and `": "`
/// between things, and nothing but ASCII (`daemon.md`, section 14).
struct ControlPayload {
    /// A value of such an object.
    enum Value {
        case text(String)
        case number(Int64)
    }

    private let fields: [(key: String, value: Value)]

    init(_ fields: [(key: String, value: Value)]) { self.fields = fields }

    var text: String {
        let parts = fields.map { field in
            switch field.value {
            case .text(let text): "\"\(field.key)\": \(Self.quoted(text))"
            case .number(let number): "\"\(field.key)\": \(number)"
            }
        }
        return "{" + parts.joined(separator: ", ") + "}"
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for unit in text.utf16 {
            switch unit {
            case 0x22: quoted += "\\\""
            case 0x5c: quoted += "\\\\"
            case 0x0a: quoted += "\\n"
            case 0x0d: quoted += "\\r"
            case 0x09: quoted += "\\t"
            case 0x08: quoted += "\\b"
            case 0x0c: quoted += "\\f"
            case 0x20...0x7e: quoted.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
            default:
                let digits = String(unit, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return quoted + "\""
    }

    /// What to seal: this object, under a name that begins with `stem` as the peers' do.
    func input(_ stem: String) -> SealInput {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789_")
        let random = String((0..<8).compactMap { _ in alphabet.randomElement() })
        return .text(text, name: "\(stem)-\(random).json")
    }
}
