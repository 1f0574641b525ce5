internal import Fabric

/// Reads the fields of a request's body, and gathers what is wrong with them, so that all of it is told at once.
///
/// The body is kept as the bytes that came: no field takes memory before it is read.
struct BodyFields {
    private let body: JSONDocument
    private let object: [String: JSONDocument]
    private var problems: [FieldProblem] = []

    /// The most members of a body; those that are known are far fewer.
    private static let mostMembers = 256
    /// The most elements of a list of texts.
    private static let mostElements = 1000
    /// The most bytes of a value that is shown in the description of what is wrong with it.
    private static let mostShown = 4096

    /// Reads a body. One of more than `RequestJSON.largestOnLoop` bytes is read in `RequestJSON.read` alone.
    ///
    /// - Throws: 422 when it is no JSON object.
    init(_ bytes: [UInt8]) throws(HubFault) {
        guard !bytes.isEmpty else { throw HubFault(invalid: [.missing(["body"], in: .null)]) }
        assert(bytes.count <= RequestJSON.largestOnLoop || RequestJSON.isBesideLoops)
        do throws(JSONFault) {
            body = try JSONDocument(checking: bytes)
        } catch {
            throw HubFault(invalid: [FieldProblem(error)])
        }
        guard body.isObject else {
            throw HubFault(invalid: [
                FieldProblem(
                    type: "model_attributes_type", location: ["body"],
                    message: "Input should be a valid dictionary or object to extract fields from",
                    input: Self.shown(body))
            ])
        }
        guard let members = body.members(limit: Self.mostMembers) else {
            throw .invalid("body", message: "Input should have at most \(Self.mostMembers) members", input: .null)
        }
        object = Dictionary(members, uniquingKeysWith: { _, last in last })
    }

    /// Reads a body that need not be there.
    init(optional bytes: [UInt8]) throws(HubFault) { try self.init(bytes.isEmpty ? Array("{}".utf8) : bytes) }

    /// To be called when all fields were read.
    ///
    /// - Throws: 422 with everything that was wrong.
    func check() throws(HubFault) { if !problems.isEmpty { throw HubFault(invalid: problems) } }

    /// Whether there is such a field.
    func has(_ key: String) -> Bool { object[key] != nil }

    /// A value that has to be there and may be anything.
    mutating func any(_ key: String) -> JSONDocument? {
        if let value = object[key] { return value }
        problems.append(.missing(["body", key], in: Self.shown(body)))
        return nil
    }

    /// A value as it is shown in the description of what is wrong with it: a large one is not shown.
    private static func shown(_ value: JSONDocument?) -> JSONValue {
        guard let value else { return .null }
        return value.count <= mostShown ? value.value : .text("\(value.count) bytes")
    }

    /// A text that has to be there.
    mutating func text(_ key: String) -> String {
        guard object[key] != nil else { return any(key)?.text ?? "" }
        return optionalText(key, orNull: false) ?? ""
    }

    /// A text that may be absent or, unless told otherwise, null.
    mutating func optionalText(_ key: String, orNull: Bool = true) -> String? {
        read(key, orNull, "string_type", "Input should be a valid string") { $0.text }
    }

    /// An object that may be absent or null.
    mutating func optionalObject(_ key: String) -> JSONDocument? {
        read(key, true, "dict_type", "Input should be a valid dictionary") { $0.isObject ? $0 : nil }
    }

    /// A truth value that may be absent or null.
    mutating func optionalBool(_ key: String) -> Bool? {
        read(key, true, "bool_type", "Input should be a valid boolean") { $0.bool }
    }

    /// A list of texts that may be absent or null.
    mutating func optionalTexts(_ key: String) -> [String]? {
        read(key, true, "list_type", "Input should be a valid list of strings") { value in
            guard let list = value.elements(limit: Self.mostElements) else { return nil }
            let texts = list.compactMap(\.text)
            return texts.count == list.count ? texts : nil
        }
    }

    /// A whole number in a range that may be absent or null.
    mutating func optionalInteger(_ key: String, in range: ClosedRange<Int64>) -> Int64? {
        read(
            key, true, "int_range", "Input should be a whole number from \(range.lowerBound) to \(range.upperBound)"
        ) { value in value.integer.flatMap { range.contains($0) ? $0 : nil } }
    }

    /// A whole number in a range that has to be there.
    mutating func required(_ key: String, in range: ClosedRange<Int64>) -> Int64? {
        guard let value = object[key] else { return any(key)?.integer }
        if let number = value.integer, range.contains(number) { return number }
        refuse(key, "Input should be a whole number from \(range.lowerBound) to \(range.upperBound)")
        return nil
    }

    /// A number in a range that may be absent or null.
    mutating func optionalNumber(_ key: String, in range: ClosedRange<Double>) -> Double? {
        read(
            key, true, "float_range", "Input should be a number from \(range.lowerBound) to \(range.upperBound)"
        ) { value in value.double.flatMap { range.contains($0) ? $0 : nil } }
    }

    /// An agent's name that has to be there, as it is written in mailboxes.
    mutating func agent(_ key: String) -> String {
        let text = text(key)
        guard object[key]?.text != nil else { return "" }
        if let name = AgentName.parse(text) { return name }
        refuse(key, "Input should be a name of letters, digits, hyphens and underscores, with dots between labels")
        return ""
    }

    /// Something that `parse` has to understand in a text that has to be there.
    mutating func parsed<Value>(_ key: String, _ expected: String, _ parse: (String) -> Value?) -> Value? {
        let text = text(key)
        guard object[key]?.text != nil else { return nil }
        if let value = parse(text) { return value }
        refuse(key, "Input should be " + expected)
        return nil
    }

    /// Adds a problem with a field that was read.
    mutating func refuse(_ key: String, _ message: String) {
        problems.append(
            FieldProblem(
                type: "value_error", location: ["body", key], message: message,
                input: Self.shown(object[key])))
    }

    private mutating func read<Value>(
        _ key: String, _ orNull: Bool, _ type: String, _ message: String, _ convert: (JSONDocument) -> Value?
    ) -> Value? {
        guard let value = object[key], !(orNull && value.isNull) else { return nil }
        if let converted = convert(value) { return converted }
        problems.append(FieldProblem(type: type, location: ["body", key], message: message, input: Self.shown(value)))
        return nil
    }
}

/// Reads a request's query, and gathers what is wrong with it.
struct QueryFields {
    private let address: RequestAddress
    private var problems: [FieldProblem] = []

    init(_ address: RequestAddress) { self.address = address }

    /// To be called when all were read.
    ///
    /// - Throws: 422 with everything that was wrong.
    func check() throws(HubFault) { if !problems.isEmpty { throw HubFault(invalid: problems) } }

    /// A text that has to be there.
    mutating func text(_ name: String) -> String {
        if let text = address.value(name) { return text }
        problems.append(.missing(["query", name], in: .null))
        return ""
    }

    /// A text that may be absent.
    func optionalText(_ name: String) -> String? { address.value(name) }

    /// An agent's name that has to be there, as it is written in mailboxes.
    mutating func agent(_ name: String) -> String {
        let text = text(name)
        guard address.value(name) != nil else { return "" }
        if let agent = AgentName.parse(text) { return agent }
        refuse(name, "value_error", "Input should be an agent's name", text)
        return ""
    }

    /// A truth value, in the spellings that the reference server's framework takes.
    mutating func bool(_ name: String, else fallback: Bool) -> Bool {
        guard let text = address.value(name) else { return fallback }
        switch text.lowercased() {
        case "true", "1", "on", "t", "yes", "y": return true
        case "false", "0", "off", "f", "no", "n": return false
        default:
            refuse(name, "bool_parsing", "Input should be a valid boolean, unable to interpret input", text)
            return fallback
        }
    }

    /// A whole number in a range.
    mutating func integer(_ name: String, in range: ClosedRange<Int64>) -> Int64? {
        guard let text = address.value(name) else { return nil }
        if let number = Int64(text), range.contains(number) { return number }
        refuse(
            name, "int_parsing",
            "Input should be a whole number from \(range.lowerBound) to \(range.upperBound)", text)
        return nil
    }

    /// A number in a range.
    mutating func number(_ name: String, in range: ClosedRange<Double>) -> Double? {
        guard let text = address.value(name) else { return nil }
        if let number = Double(text), range.contains(number) { return number }
        refuse(
            name, "float_parsing", "Input should be a number from \(range.lowerBound) to \(range.upperBound)", text)
        return nil
    }

    private mutating func refuse(_ name: String, _ type: String, _ message: String, _ text: String) {
        problems.append(
            FieldProblem(type: type, location: ["query", name], message: message, input: .text(text)))
    }
}
