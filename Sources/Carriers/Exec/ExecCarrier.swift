public import Fabric
internal import SystemPackage

/// Delivers through a program of somebody else's: `tcd-carrier-NAME`, which speaks lines of JSON
/// (`docs/writing-a-carrier.md`).
///
/// The program gets the bytes through a pipe, and never the envelope's file. What it says is checked against what it
/// was given and has taken. One process is started for each request, and none is left.
public struct ExecCarrier: ResumableCarrier, ProbingCarrier, SelectiveCarrier {
    /// None: each carrier has the name of its plug-in.
    public static let schemes: [String] = []
    public let schemes: [String]
    public let traits: CarrierTraits
    /// The plug-in.
    public let plugin: Plugin
    /// What the plug-in says of itself.
    public let introduction: PluginIntroduction

    let environment: PluginEnvironment
    let limits: PluginLimits
    private let gate: DeliveryGate

    /// The carrier of a plug-in: one that receives where the plug-in does.
    ///
    /// - Parameter environment: Of which the plug-in gets what is on the list, and what is meant for it.
    /// - Throws: `misconfigured` when it cannot be started or speaks no version of the protocol that this side does;
    ///   `stalled`, `corrupted` or `unreachable` when it does not introduce itself.
    public static func open(
        _ plugin: Plugin, environment: [String: String], limits: PluginLimits = PluginLimits()
    ) async throws(CarrierError) -> any Carrier {
        let variables = PluginEnvironment(environment, for: plugin.name)
        let introduction = try await BlockingCall.run { isCancelled throws(CarrierError) in
            let session = PluginSession(
                plugin: plugin, environment: variables, limits: limits, isCancelled: isCancelled)
            var introduction: PluginIntroduction?
            try session.run(PluginRequest(.hello)) { message, _ throws(CarrierError) in
                if message.type == "error" { throw CarrierError(message, from: plugin) }
                introduction = try PluginIntroduction(message, of: plugin)
                return .finish
            }
            guard let introduction else { throw CarrierError.misbehaved(plugin, "does not introduce itself") }
            return introduction
        }
        let carrier = ExecCarrier(plugin, introduction, variables, limits)
        return introduction.receives ? ExecReceivingCarrier(carrier) : carrier
    }

    private init(
        _ plugin: Plugin, _ introduction: PluginIntroduction, _ environment: PluginEnvironment, _ limits: PluginLimits
    ) {
        self.plugin = plugin
        self.introduction = introduction
        self.environment = environment
        self.limits = limits
        schemes = [plugin.name]
        traits = introduction.traits
        gate = DeliveryGate(limit: introduction.traits.inFlight)
    }

    public func deliver(
        _ envelope: SealedEnvelope, along route: Route, reporting progress: ProgressSink
    ) async throws(CarrierError) -> DeliveryReceipt {
        try check(route)
        if let largest = traits.largestEnvelope, envelope.size > largest {
            throw CarrierError(
                .tooLarge(limit: largest), .tryNextRoute,
                "an envelope of \(envelope.size) bytes is larger than the \(largest) that '\(plugin.name)' takes")
        }
        return try await gate.pass(to: route) { () throws(CarrierError) in
            try await BlockingCall.run { isCancelled throws(CarrierError) in
                try ExecDelivery(carrier: self, envelope: envelope, route: route, isCancelled: isCancelled)
                    .run(reporting: progress)
            }
        }
    }

    public func bytesHeld(of envelope: SealedEnvelope, along route: Route) async throws(CarrierError) -> Int64 {
        try check(route)
        return try await BlockingCall.run { isCancelled throws(CarrierError) in
            let delivery = ExecDelivery(carrier: self, envelope: envelope, route: route, isCancelled: isCancelled)
            return try delivery.heldPrefix(of: try delivery.open()).size
        }
    }

    public func probe(_ route: Route) async throws(CarrierError) {
        try check(route)
        _ = try await ask(PluginRequest(.probe, address: route.address), for: "ready")
    }

    /// What the plug-in says is published along `route`, where it can list. Not a part of the family: it is how
    /// `tcd carrier test` looks at far sides that are no directory.
    public func published(along route: Route) async throws(CarrierError) -> [PluginObject] {
        try check(route)
        return try await BlockingCall.run { isCancelled throws(CarrierError) in
            var objects: [PluginObject] = []
            try session(isCancelled).run(PluginRequest(.list, address: route.address)) {
                message, _ throws(CarrierError) in
                switch message.type {
                case "object":
                    guard let name = message.name, let size = message.size, let text = message.digest,
                        let digest = Digest(hex: text)
                    else { throw CarrierError.misbehaved(plugin, "lists something without name, size or digest") }
                    objects.append(
                        PluginObject(name: name, digest: digest, size: size, isFinished: message.finished ?? true))
                    return .goOn
                case "done": return .finish
                case "error": throw CarrierError(message, from: plugin)
                default: throw CarrierError.misbehaved(plugin, "answered 'list' with '\(message.type.prefix(40))'")
                }
            }
            return objects
        }
    }

    /// Every plug-in probes; whether it resumes it says itself.
    public func offers(_ power: CarrierPower) -> Bool { power != .resuming || introduction.resumes }

    func session(_ isCancelled: @escaping @Sendable () -> Bool) -> PluginSession {
        PluginSession(plugin: plugin, environment: environment, limits: limits, isCancelled: isCancelled)
    }

    /// The one message of type `type` that answers `request`.
    func ask(_ request: PluginRequest, for type: String) async throws(CarrierError) -> PluginMessage {
        try await BlockingCall.run { isCancelled throws(CarrierError) in
            try answer(to: request, type: type, isCancelled)
        }
    }

    /// The same, on a thread that may block.
    func answer(
        to request: PluginRequest, type: String, _ isCancelled: @escaping @Sendable () -> Bool
    ) throws(CarrierError) -> PluginMessage {
        var answer: PluginMessage?
        try session(isCancelled).run(request) { message, _ throws(CarrierError) in
            if message.type == "error" { throw CarrierError(message, from: plugin) }
            guard message.type == type else {
                throw .misbehaved(plugin, "answered '\(request.op.rawValue)' with '\(message.type.prefix(40))'")
            }
            answer = message
            return .finish
        }
        guard let answer else { throw .misbehaved(plugin, "did not answer") }
        return answer
    }

    /// The longest address, in bytes. Longer ones do not fit into every environment.
    private static let longestAddress = 4096

    func check(_ route: Route) throws(CarrierError) {
        let address = route.address.utf8
        guard route.scheme == plugin.name, (1...Self.longestAddress).contains(address.count), !address.contains(0)
        else {
            throw CarrierError(
                .misconfigured, .giveUp,
                "'\(route.scheme)' and '\(route.address.prefix(80))' are no route for the "
                    + "plug-in '\(plugin.name)'")
        }
    }
}

/// What a plug-in says of itself.
public struct PluginIntroduction: Sendable {
    /// Its own version, as it says.
    public let version: String
    /// Whether it can go on with what was interrupted.
    public let resumes: Bool
    /// Whether it receives.
    public let receives: Bool
    /// Whether it can list what is published.
    public let lists: Bool
    /// Whether it tells its progress; otherwise what it has taken counts.
    public let tellsProgress: Bool
    /// What it promises.
    public let traits: CarrierTraits

    init(_ message: PluginMessage, of plugin: Plugin) throws(CarrierError) {
        guard message.type == "hello", let protocols = message.protocols, let told = message.traits else {
            throw .misbehaved(plugin, "does not introduce itself")
        }
        guard protocols.contains(PluginRequest.version) else {
            throw CarrierError(
                .misconfigured, .waitForPerson,
                "the plug-in '\(plugin.path)' speaks versions \(protocols.prefix(10)) of the protocol, and this program "
                    + "speaks \(PluginRequest.version)", remedy: "install a plug-in and a tcd that fit")
        }
        let strengths = ReceiptStrength.allCases.map { ($0.description, $0) }
        guard let strength = strengths.first(where: { $0.0 == told.strongestReceipt })?.1,
            let inFlight = told.inFlight, (1...1024).contains(inFlight), (told.largestEnvelope ?? 0) >= 0
        else { throw .misbehaved(plugin, "introduces itself with traits that cannot be") }
        let powers = Set(message.powers ?? [])
        version = String((message.version ?? "").prefix(80))
        resumes = powers.contains("resume")
        receives = powers.contains("arrivals")
        lists = powers.contains("list")
        tellsProgress = powers.contains("progress")
        traits = CarrierTraits(
            strongestReceipt: strength, largestEnvelope: told.largestEnvelope, inFlight: inFlight,
            publishesAtomically: told.publishesAtomically ?? false)
    }
}

/// Something that a plug-in listed.
public struct PluginObject: Sendable, Hashable {
    /// Its name.
    public let name: String
    /// Its SHA-256, as the plug-in says.
    public let digest: Digest
    /// Its size in bytes.
    public let size: Int64
    /// False for what a writer has not finished.
    public let isFinished: Bool
}
