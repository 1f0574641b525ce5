public import Fabric
internal import SystemPackage

/// Finds the ways to a target: from the command line, a static directory, a name service and convention, in this order.
///
/// Keys that a name service names are pinned when they are seen first, and one that changed stops everything.
public struct Resolver: RoutePlanner {
    /// What it works with.
    public let configuration: ResolverConfiguration
    /// The name service; nil where none is configured.
    public let nameService: AINSDirectory?

    private let directory: StaticDirectory
    private let trust: TrustStore

    /// A resolver that asks nobody before it is asked.
    ///
    /// - Throws: `misconfigured` when the address of AINS is none.
    public init(_ configuration: ResolverConfiguration) throws(CarrierError) {
        self.configuration = configuration
        trust = TrustStore(state: configuration.state)
        directory = StaticDirectory(places: configuration.routes)
        nameService = try configuration.ainsURL.map { url throws(CarrierError) in
            let client = try AINSClient(
                base: url, timeLimit: configuration.ainsTime, userAgent: configuration.userAgent)
            return AINSDirectory(
                client: client, cache: AINSCache(directory: configuration.state.appending("ains-cache")))
        }
    }

    /// The routes to `target`. Pins the key that AINS names for it, where none is pinned yet.
    public func plan(for target: DeliveryTarget) async throws(CarrierError) -> RoutePlan {
        try await resolve(target, pinning: true).plan()
    }

    /// All that can be said of `target`: asks the same sources as `plan`, and pins nothing.
    public func explain(_ target: DeliveryTarget) async -> Resolution { await resolve(target, pinning: false) }

    private func resolve(_ target: DeliveryTarget, pinning: Bool) async -> Resolution {
        var resolution = Resolution(
            target: target, minimumTrust: target.minimumTrust ?? configuration.usualMinimumTrust)
        do throws(CarrierError) {
            try await resolve(into: &resolution, pinning: pinning)
        } catch {
            resolution.failure = error
        }
        return resolution
    }

    private func resolve(into resolution: inout Resolution, pinning: Bool) async throws(CarrierError) {
        let target = resolution.target
        let form: TargetForm
        do throws(NameError) {
            form = try TargetForm(
                parsing: target.text, transport: target.transport, builtIn: configuration.carriers.builtIn)
        } catch {
            throw CarrierError(.misconfigured, .giveUp, error.explanation, remedy: error.remedy)
        }
        var selection = RouteSelection(transport: target.transport, carriers: configuration.carriers)
        var knowledge = Knowledge()
        if case .route(let route) = form {
            selection.add(route, from: .commandLine)
            resolution.note(.commandLine, .answered, "the target is a route itself")
            resolution.note(.directory, .notAsked, "the target is no name")
            resolution.note(.nameService, .notAsked, "the target is no name")
            resolution.note(.convention, .notAsked, "the target is no name")
        } else {
            resolution.name = form.nameText
            resolution.note(
                .commandLine, .nothing, target.transport.map { "insists on \($0)" } ?? "the target is a name")
            try await askDirectory(form, &selection, &knowledge, &resolution)
            await askNameService(form, &selection, &knowledge, &resolution)
            askConvention(form, &selection, &resolution)
        }
        (resolution.routes, resolution.passedOver) = (selection.routes, selection.passedOver)
        try await judge(knowledge, form, &resolution, pinning: pinning)
        guard !resolution.routes.isEmpty else { throw noRoute(knowledge, resolution) }
    }
}

/// What the sources say of the receiver.
struct Knowledge {
    /// The entry of a static directory, and its file.
    var entry: (entry: RoutesEntry, path: FilePath)?
    /// The record of a name service.
    var record: AINSRecord?
    /// Where the record is from.
    var recordOrigin: RouteOrigin?
    /// Why the name service could not be asked; nil when it was, or was not meant to be.
    var lookupFailure: String?
}

// MARK: - The sources

extension Resolver {
    private func askDirectory(
        _ form: TargetForm, _ selection: inout RouteSelection, _ knowledge: inout Knowledge,
        _ resolution: inout Resolution
    ) async throws(CarrierError) {
        let directory = directory
        let answer: (finding: StaticDirectory.Finding?, asked: [FilePath])
        do throws(RoutesFileError) {
            answer = try await OwnThread.run { () throws(RoutesFileError) in try directory.look(form) }
        } catch {
            // To go on without it could mean another receiver, or another key, than somebody took care to write down.
            resolution.note(.directory, .failed, error.explanation)
            throw CarrierError(.misconfigured, .waitForPerson, error.explanation, remedy: error.remedy)
        }
        guard let finding = answer.finding else {
            let files = answer.asked.map { "'\($0)'" }.joined(separator: ", ")
            resolution.note(.directory, .nothing, files.isEmpty ? "there is no file of routes" : "not in \(files)")
            return
        }
        let (entry, path) = (finding.entry, finding.path)
        knowledge.entry = (entry, path)
        let origin = RouteOrigin.directory(file: path.string, entry: entry.title)
        resolution.note(.directory, .answered, "'\(path)' has it as '\(entry.title)'")
        for template in entry.routes {
            do throws(NameError) {
                selection.add(try template.route(for: form), from: origin)
            } catch {
                let route = Route(scheme: template.transport ?? "unknown", address: template.address)
                selection.passOver(route, from: origin, because: error.explanation)
            }
        }
    }

    private func askNameService(
        _ form: TargetForm, _ selection: inout RouteSelection, _ knowledge: inout Knowledge,
        _ resolution: inout Resolution
    ) async {
        guard resolution.target.usesLookup else {
            return resolution.note(.nameService, .notAsked, "look-ups were switched off")
        }
        guard let nameService else {
            return resolution.note(.nameService, .notAsked, "no address of AINS is configured (TIBET_AINS_API_URL)")
        }
        guard let host = form.host else {
            return resolution.note(.nameService, .notAsked, "this is no name that AINS could have")
        }
        let finding = await nameService.look(up: host.lookupName)
        switch finding.outcome {
        case .notFound:
            resolution.note(
                .nameService, .nothing, "AINS at \(nameService.address) has no record of '\(host.lookupName)'")
        case .failed(let why):
            knowledge.lookupFailure = why
            resolution.note(.nameService, .failed, "AINS at \(nameService.address) \(why)")
            resolution.notices.append("AINS at \(nameService.address) \(why); going on without it")
        case .found(let record, let age):
            let origin = RouteOrigin.nameService(address: nameService.address, age: age)
            (knowledge.record, knowledge.recordOrigin) = (record, origin)
            resolution.capabilities = record.capabilities
            resolution.note(.nameService, .answered, "\(origin)" + (finding.bridged.map { ", as AINS \($0)" } ?? ""))
            if let why = finding.bridged, let age {
                resolution.notices.append(
                    "AINS at \(nameService.address) \(why); using its record of \(age) s ago")
            }
            resolution.notices += record.oddities
            for route in record.routes { selection.add(route, from: origin) }
        }
    }

    private func askConvention(
        _ form: TargetForm, _ selection: inout RouteSelection, _ resolution: inout Resolution
    ) {
        let transport = resolution.target.transport
        let (host, port): (HostPart, Int?)
        switch form {
        case .name(let name): (host, port) = (name.host, name.port)
        case .alias:
            // A short name says nothing of where it lives; only a mux server knows agents by it.
            guard transport == "mux", let known = form.host else {
                return resolution.note(.convention, .notAsked, "a short name says nothing of where it lives")
            }
            (host, port) = (known, nil)
        case .route: return
        }
        resolution.note(.convention, .answered, "from the host in the name")
        for route in configuration.convention.routes(to: host, port: port, transport: transport) {
            if !host.isReachableByAddress, route.scheme != "mux" {
                selection.passOver(
                    route, from: .convention, because: "'\(host)' is no host name; only directories and AINS know it")
            } else if transport == nil || RouteSelection.schemes(of: transport ?? "").contains(route.scheme) {
                selection.add(route, from: .convention)
            }
        }
    }
}

// MARK: - The verdict

extension Resolver {
    /// Refuses what must not be delivered to, and fills in who receives.
    private func judge(
        _ knowledge: Knowledge, _ form: TargetForm, _ resolution: inout Resolution, pinning: Bool
    ) async throws(CarrierError) {
        resolution.receiver = receiver(knowledge, form)
        if let record = knowledge.record { try checkStanding(record, knowledge.recordOrigin, resolution) }
        try checkTrust(knowledge, resolution)
        try await checkKey(knowledge, form, &resolution, pinning: pinning)
    }

    private func receiver(_ knowledge: Knowledge, _ form: TargetForm) -> RoutePlan.Receiver? {
        guard let asked = form.nameText else { return nil }
        if let (entry, path) = knowledge.entry, knowledge.record == nil || entry.key != nil {
            return RoutePlan.Receiver(
                name: knowledge.record?.domain ?? asked, key: entry.key,
                trust: entry.trust ?? knowledge.record?.trust,
                origin: .directory(file: path.string, entry: entry.title))
        }
        guard let record = knowledge.record, let origin = knowledge.recordOrigin else { return nil }
        return RoutePlan.Receiver(
            name: record.domain ?? asked, key: record.key, trust: knowledge.entry?.entry.trust ?? record.trust,
            origin: origin)
    }

    private func checkStanding(
        _ record: AINSRecord, _ origin: RouteOrigin?, _ resolution: Resolution
    ) throws(CarrierError) {
        guard record.standing != .usable else { return }
        throw CarrierError(
            .refused, .waitForPerson,
            "'\(resolution.target.text)' is \(record.status.lowercased()), says \(origin.map { "\($0)" } ?? "AINS")",
            remedy: "ask the receiver, by another way, what happened")
    }

    private func checkTrust(_ knowledge: Knowledge, _ resolution: Resolution) throws(CarrierError) {
        let minimum = resolution.minimumTrust
        if let score = knowledge.entry?.entry.trust ?? knowledge.record?.trust {
            guard score < minimum else { return }
            throw CarrierError(
                .refused, .waitForPerson,
                "'\(resolution.target.text)' has a trust of \(score), and \(minimum) is the least that will do",
                remedy: "if that is enough for this, say so with --min-trust")
        }
        guard resolution.target.minimumTrust != nil else { return }
        let start = "a trust of \(minimum) was asked for, and "
        if let why = knowledge.lookupFailure {
            throw CarrierError(
                .unreachable, .retry(after: nil), start + "AINS, which could tell, \(why)",
                remedy: "try again later, or without --min-trust")
        }
        throw CarrierError(
            .refused, .waitForPerson, start + "nobody says how far '\(resolution.target.text)' is trusted",
            remedy: "leave out --min-trust, or write a trust into routes.toml")
    }

    /// Compares the receiver's key with what is configured and with what was seen before.
    private func checkKey(
        _ knowledge: Knowledge, _ form: TargetForm, _ resolution: inout Resolution, pinning: Bool
    ) async throws(CarrierError) {
        if let (entry, path) = knowledge.entry, let configured = entry.key {
            resolution.keyStanding = .configured
            guard let offered = knowledge.record?.key, offered != configured else { return }
            resolution.keyStanding = .changed
            throw changedKey(
                resolution, held: "'\(path)' has SHA256:\(configured.fingerprint.hex)", offered: offered,
                remedy: "ask the receiver, by another way, whether the key was changed; if so, change it in '\(path)'")
        }
        guard let record = knowledge.record, let origin = knowledge.recordOrigin, let host = form.host else { return }
        let subject = host.description
        let standing = try await standing(of: record.key, subject, origin, pinning: pinning)
        switch standing {
        case .unknown where record.key == nil: return
        case .unknown:
            resolution.keyStanding = .new
            if pinning { resolution.notices.append("pinned the key that \(origin) has for '\(subject)'") }
        case .matches(let pin):
            resolution.keyStanding = .pinned
            guard record.key == nil else { return }
            resolution.receiver?.key = PublicKey(hex: pin.key)
            resolution.notices.append("\(origin) has no key for '\(subject)' any more; using the pinned one")
        case .changed(let pin):
            resolution.keyStanding = .changed
            guard let offered = record.key else { return }
            throw changedKey(
                resolution, held: "\(pin.fingerprint) is pinned since \(pin.since.iso8601)", offered: offered,
                remedy: "ask the receiver, by another way, whether the key was changed; if so, run "
                    + "'tcd trust rotate ains \(subject) \(offered.hex)'")
        }
    }

    /// What is known of a record's key; for a record without one, what is pinned.
    private func standing(
        of key: PublicKey?, _ subject: String, _ origin: RouteOrigin, pinning: Bool
    ) async throws(CarrierError) -> TrustStore.Standing {
        let trust = trust
        do throws(TrustError) {
            return try await OwnThread.run { () throws(TrustError) in
                guard let key else { return try trust.pin(.ains, subject).map { .matches($0) } ?? .unknown }
                guard pinning else { return try trust.check(.ains, subject, key: key.hex) }
                return try trust.admit(
                    try Pin(kind: .ains, subject: subject, key: key.hex, reason: "first seen", source: "\(origin)"))
            }
        } catch {
            throw CarrierError(.misconfigured, .waitForPerson, error.explanation, remedy: error.remedy)
        }
    }

    private func changedKey(
        _ resolution: Resolution, held: String, offered: PublicKey, remedy: String
    ) -> CarrierError {
        CarrierError(
            .hostKeyChanged, .waitForPerson,
            "the key of '\(resolution.target.text)' is not the one that is known: \(held), and AINS now has "
                + "SHA256:\(offered.fingerprint.hex)", remedy: remedy)
    }

    private func noRoute(_ knowledge: Knowledge, _ resolution: Resolution) -> CarrierError {
        let text = resolution.target.text
        if let why = knowledge.lookupFailure {
            return CarrierError(
                .unreachable, .retry(after: nil), "no way to '\(text)' is known, and AINS \(why)",
                remedy: "try again later")
        }
        guard let first = resolution.passedOver.first else {
            return CarrierError(
                .misconfigured, .waitForPerson, "nobody knows a way to '\(text)'",
                remedy: "check the name, write it into routes.toml, or name an address of AINS (TIBET_AINS_API_URL)")
        }
        return CarrierError(
            .misconfigured, .waitForPerson,
            "no way to '\(text)' can be used: \(first.planned.route.scheme): \(first.reason)"
                + (resolution.passedOver.count > 1 ? ", and \(resolution.passedOver.count - 1) more" : ""),
            remedy: "'tcd resolve' shows them all")
    }
}
