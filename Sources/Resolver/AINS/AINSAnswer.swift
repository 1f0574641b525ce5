internal import Fabric
internal import FoundationEssentials

/// The body of an answer to a look-up, in the shapes that registries use (`ains.md`, section 3): nested under `record`,
/// or flat.
enum AINSAnswer {
    case found(AINSRecord, lifetime: Int64?)
    case notFound
    /// It is no answer, and why.
    case unusable(String)

    /// The most routes, and the most capabilities, that are taken from a record.
    private static let mostItems = 32

    /// Reads a body. Only the fields that are known are looked at, so nothing unknown can hurt.
    init(parsing body: [UInt8], name: String) {
        let wire: Wire
        do {
            wire = try JSONDecoder().decode(Wire.self, from: Data(body))
        } catch {
            self = .unusable("its answer is no JSON object")
            return
        }
        let status = wire.flat.status?.lowercased()
        if status == "not_found" {
            self = .notFound
            return
        }
        if let error = wire.error {
            self = .unusable("it answers with an error: \(PlainText.line(error, atMost: 100))")
            return
        }
        guard let fields = wire.record ?? (wire.flat.saysAnything ? wire.flat : nil) else {
            self = .unusable("its answer holds no record")
            return
        }
        self = Self.read(fields, wire, name)
    }

    private static func read(_ fields: Fields, _ wire: Wire, _ name: String) -> AINSAnswer {
        var record = AINSRecord(status: "active", capabilities: [], routes: [], oddities: [])
        // In a flat answer the top has the record's own status, unless it tells that there is one.
        if let status = fields.status, status.lowercased() != "found" { record.status = PlainText.line(status) }
        let keys = [fields.publicKey, wire.flat.publicKey].compactMap { $0 }
        let readable = keys.compactMap { PublicKey(anySpelling: $0) }
        guard Set(readable).count <= 1 else { return .unusable("its answer names two different keys") }
        record.key = readable.first
        if readable.count < keys.count { record.oddities.append("the record's public_key is no Ed25519 key") }
        record.domain = cleaned(wire.flat.domain ?? fields.domain)
        record.agent = cleaned(fields.agent)
        if let trust = fields.trust ?? wire.flat.trust {
            if (0...1).contains(trust) {
                record.trust = trust
            } else {
                record.oddities.append("the record's trust_score is not from 0 to 1")
            }
        } else if fields.hasOddTrust {
            record.oddities.append("the record's trust_score is no number")
        }
        let capabilities = fields.capabilities ?? wire.flat.capabilities ?? []
        record.capabilities = capabilities.map { PlainText.line($0, atMost: 64) }
        addRoutes(from: fields, wire, agent: record.agent ?? name, to: &record)
        let lifetime = fields.lifetime ?? wire.flat.lifetime
        return .found(record, lifetime: lifetime)
    }

    private static func addRoutes(from fields: Fields, _ wire: Wire, agent: String, to record: inout AINSRecord) {
        let listed = fields.routes ?? wire.flat.routes
        if listed?.isCut == true { record.oddities.append("only \(mostItems) of the record's routes are looked at") }
        for item in listed?.items ?? [] {
            add(to: &record) { () throws(NameError) in
                switch item {
                case .text(let text): try RouteText.route(text)
                case .pair(let transport, let address): try RouteText.route(transport: transport, address: address)
                case .odd: throw NameError(.noTarget, "one of the record's routes has no known form", remedy: nil)
                }
            }
        }
        if let endpoint = fields.endpoint ?? wire.flat.endpoint, !endpoint.isEmpty {
            add(to: &record) { () throws(NameError) in try RouteText.route(endpoint) }
        }
        if let address = fields.iPoll ?? wire.flat.iPoll ?? wire.mailbox, !address.isEmpty {
            // The agent's mailbox at that address.
            let short = agent.hasSuffix(".aint") ? String(agent.dropLast(5)) : agent
            add(to: &record) { () throws(NameError) in
                let checked = try RouteText.route(transport: "http", address: address)
                return try RouteText.route(transport: "ipoll", address: "\(checked.address)#\(short)")
            }
        }
    }

    private static func add(to record: inout AINSRecord, _ route: () throws(NameError) -> Route) {
        do throws(NameError) {
            let route = try route()
            if !record.routes.contains(route) { record.routes.append(route) }
        } catch {
            record.oddities.append(error.explanation)
        }
    }

    /// A name that can stand in an envelope and on a line.
    private static func cleaned(_ text: String?) -> String? {
        guard let text = text?.lowercased(), (1...255).contains(text.utf8.count) else { return nil }
        if text.hasPrefix("jis:") { return (try? JISName(parsing: text))?.description }
        return HostPart.isAint(text) ? text : nil
    }
}

// MARK: - The JSON

extension AINSAnswer {
    /// A value that is there and may be of another type than it should be; what it is then does not matter.
    private struct Loose<Value: Decodable>: Decodable {
        let value: Value?

        init(from decoder: any Decoder) throws {
            value = try? decoder.singleValueContainer().decode(Value.self)
        }
    }

    /// The first items of a list, as many as are looked at: what follows costs no more than being scanned.
    private struct FirstItems<Item: Decodable>: Decodable {
        private(set) var items: [Item] = []
        /// Whether the list goes on.
        let isCut: Bool

        init(from decoder: any Decoder) throws {
            var list = try decoder.unkeyedContainer()
            while !list.isAtEnd, items.count < mostItems { items.append(try list.decode(Item.self)) }
            isCut = !list.isAtEnd
        }
    }

    /// A route as text, or as transport and address.
    private enum ListedRoute: Decodable {
        case text(String)
        case pair(transport: String, address: String)
        case odd

        private struct Pair: Decodable {
            let transport: String
            let address: String
        }

        init(from decoder: any Decoder) throws {
            if let text = try? decoder.singleValueContainer().decode(String.self) {
                self = .text(text)
            } else if let pair = try? Pair(from: decoder) {
                self = .pair(transport: pair.transport, address: pair.address)
            } else {
                self = .odd
            }
        }
    }

    /// The whole body.
    private struct Wire: Decodable {
        let record: Fields?
        let flat: Fields
        let error: String?
        /// The base of the mailboxes, from `services`.
        let mailbox: String?

        private enum CodingKeys: String, CodingKey {
            case record, error, services
        }

        private struct Services: Decodable {
            let ipoll: String?
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            flat = try Fields(from: decoder)
            record = try container.decodeIfPresent(Loose<Fields>.self, forKey: .record)?.value
            let hasError = container.contains(.error) && (try? container.decodeNil(forKey: .error)) == false
            error = hasError ? (try container.decode(Loose<String>.self, forKey: .error).value ?? "no words") : nil
            let push = try container.decodeIfPresent(Loose<Services>.self, forKey: .services)?.value?.ipoll
            mailbox = push.map { $0.hasSuffix("/push") ? String($0.dropLast(5)) : $0 }
        }
    }

    /// The fields of a record, wherever they stand.
    private struct Fields: Decodable {
        let status: String?
        let domain: String?
        let agent: String?
        let endpoint: String?
        let iPoll: String?
        let publicKey: String?
        let trust: Double?
        let hasOddTrust: Bool
        let capabilities: [String]?
        let routes: FirstItems<ListedRoute>?
        let lifetime: Int64?

        private enum CodingKeys: String, CodingKey {
            case status, domain, agent, endpoint, capabilities, routes, ttl
            case iPoll = "i_poll"
            case publicKey = "public_key"
            case trust = "trust_score"
        }

        /// Whether there is anything in it that belongs to a record.
        var saysAnything: Bool {
            [domain, agent, endpoint, iPoll, publicKey].contains { $0 != nil } || trust != nil || routes != nil
                || capabilities != nil || ["revoked", "suspended"].contains(status?.lowercased())
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            func loose<Value: Decodable>(_ key: CodingKeys) throws -> Value? {
                try container.decodeIfPresent(Loose<Value>.self, forKey: key)?.value
            }
            status = try loose(.status)
            domain = try loose(.domain)
            agent = try loose(.agent)
            endpoint = try loose(.endpoint)
            iPoll = try loose(.iPoll)
            publicKey = try loose(.publicKey)
            trust = try loose(.trust)
            let isNull = (try? container.decodeNil(forKey: .trust)) ?? true
            hasOddTrust = !isNull && trust == nil
            let declared: FirstItems<Loose<String>>? = try loose(.capabilities)
            capabilities = declared?.items.compactMap(\.value)
            routes = try loose(.routes)
            let seconds: Double? = try loose(.ttl)
            lifetime = seconds.flatMap { $0.isFinite && $0 >= 0 ? Int64(min($0, 1e9)) : nil }
        }
    }
}
