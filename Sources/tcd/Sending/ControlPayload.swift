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
            case .text(let text): "\"\(field.key)\": \(EscapedJSON.quote(text))"
            case .number(let number): "\"\(field.key)\": \(number)"
            }
        }
        return "{" + parts.joined(separator: ", ") + "}"
    }

    /// What to seal: this object, under a name that begins with `stem` as the peers' do.
    func input(_ stem: String) -> SealInput {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789_")
        let random = String((0..<8).compactMap { _ in alphabet.randomElement() })
        return .text(text, name: "\(stem)-\(random).json")
    }
}
