/// How a JSON value is written.
package struct JSONStyle: Sendable {
    /// What stands between members and elements.
    var comma: String
    /// What stands between a key and its value.
    var colon: String
    /// Whether keys come in the order of their code points, at every level.
    var sortsKeys: Bool
    /// Whether everything outside printable ASCII is escaped, and numbers are spelled as Python would spell them.
    var isPython: Bool
    /// How many spaces each level is indented by; nil for everything on one line.
    var indent: Int?

    /// As short as can be, text as it is: what goes over a wire.
    package static let compact = JSONStyle(comma: ",", colon: ":", sortsKeys: false, isPython: false)
    /// As Python spaces it, but with text and numbers as they are: what is kept of frames, so that its length is the one
    /// that the mux server would have counted, unless there is something beyond ASCII in it (`mux.md`, section 4.1).
    package static let spaced = JSONStyle(comma: ", ", colon: ": ", sortsKeys: false, isPython: false)
    /// What Python's `json.dumps(value)` gives: the form in which the mux server measures frames (`mux.md`, section 4.1).
    package static let python = JSONStyle(comma: ", ", colon: ": ", sortsKeys: false, isPython: true)
    /// What Python's `json.dumps(value, sort_keys=True)` gives: the form that forks are hashed in (`triage.md`, section 1).
    package static let sortedPython = JSONStyle(comma: ", ", colon: ": ", sortsKeys: true, isPython: true)
    /// What Python's `json.dumps(value, indent=2)` gives: the peers' files (`triage.md`, section 2).
    package static let indentedPython = JSONStyle(
        comma: ",", colon: ": ", sortsKeys: false, isPython: true, indent: 2)
}

extension JSONValue {
    /// The value as text.
    package func text(_ style: JSONStyle) -> String {
        var text = ""
        write(to: &text, style, level: 0)
        return text
    }

    private func write(to text: inout String, _ style: JSONStyle, level: Int) {
        switch self {
        case .null: text += "null"
        case .bool(let bool): text += bool ? "true" : "false"
        case .number(let number): text += style.isPython ? number.asPython : number.text
        case .text(let string) where style.isPython: text += EscapedJSON.quote(string)
        case .text(let string): EscapedJSON.quoteLightly(string, to: &text)
        case .list(let values):
            Self.write(values, between: "[", "]", to: &text, style, level) { value, text in
                value.write(to: &text, style, level: level + 1)
            }
        case .object(let object):
            let members =
                style.sortsKeys
                ? object.members.sorted { $0.key.unicodeScalars.lexicographicallyPrecedes($1.key.unicodeScalars) }
                : object.members
            Self.write(members, between: "{", "}", to: &text, style, level) { member, text in
                JSONValue.text(member.key).write(to: &text, style, level: level + 1)
                text += style.colon
                member.value.write(to: &text, style, level: level + 1)
            }
        }
    }

    private static func write<Element>(
        _ elements: [Element], between open: String, _ close: String, to text: inout String, _ style: JSONStyle,
        _ level: Int, _ writeOne: (Element, inout String) -> Void
    ) {
        func breakLine(_ level: Int) {
            guard let indent = style.indent, !elements.isEmpty else { return }
            text += "\n" + String(repeating: " ", count: indent * level)
        }
        text += open
        for (index, element) in elements.enumerated() {
            if index > 0 { text += style.comma }
            breakLine(level + 1)
            writeOne(element, &text)
        }
        breakLine(level)
        text += close
    }
}
