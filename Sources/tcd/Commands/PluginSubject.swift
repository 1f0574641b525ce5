internal import CarrierConformance
internal import CarrierExec
internal import Fabric
internal import Glibc
internal import SystemPackage

/// A plug-in under test, with what can be seen of its far side from here.
struct PluginSubject: ConformanceSubject {
    let title: String
    let powers: Set<ConformancePower>

    private let plugin: Plugin
    private let address: String
    private let directory: String?
    private let limits: PluginLimits

    /// Starts the plug-in to learn what it can do.
    ///
    /// - Parameter farSide: The directory in which `address` ends; nil to look through the plug-in.
    init(_ plugin: Plugin, address: String, farSide: String?, limits: PluginLimits) async throws {
        let carrier = try await ExecCarrier.open(plugin, environment: Composition.environment, limits: limits)
        let receives = carrier.receiving != nil
        guard let sender = carrier as? ExecCarrier ?? (carrier as? ExecReceivingCarrier)?.sender else {
            throw UsageError("'\(plugin.path)' is no plug-in")
        }
        guard farSide != nil || (sender.introduction.lists && !receives) else {
            throw UsageError(
                "nobody can look at what '\(plugin.name)' delivered",
                remedy: "name the directory in which the address ends with --far-side")
        }
        var powers: Set<ConformancePower> = [.receipts, .probing]
        if farSide != nil { powers.insert(.breakage(.absent)) }
        if receives { powers.insert(.receiving) }
        if sender.introduction.resumes { powers.insert(.resuming) }
        if let largest = sender.traits.largestEnvelope, largest <= 64 << 20 { powers.insert(.limit) }
        self.powers = powers
        title = plugin.name
        directory = farSide
        (self.plugin, self.address, self.limits) = (plugin, address, limits)
    }

    /// What nobody can do to a far side that only its plug-in knows.
    var excuses: [String: String] {
        let impossible = ConformanceSuite.cases.filter { !$0.needs.isSubset(of: powers) }
        return Dictionary(
            impossible.map { one in
                let missing = one.needs.subtracting(powers).map(\.description).sorted().joined(separator: " and ")
                return (one.name, "from here there is no \(missing)")
            }
        ) { first, _ in first }
    }

    func makeCarrier() async throws -> any Carrier {
        try await ExecCarrier.open(plugin, environment: Composition.environment, limits: limits)
    }

    func makeLimitedCarrier() async throws -> any Carrier { try await makeCarrier() }

    func makeFarSide() async throws -> any FarSide {
        let carrier = try await makeCarrier()
        if let directory {
            return try DirectoryBelow(directory, address: address, scheme: plugin.name, carrier: carrier)
        }
        guard let carrier = carrier as? ExecCarrier else { throw MissingPower("the plug-in lists nothing") }
        return try await ListedPlace(Route(scheme: plugin.name, address: address), carrier: carrier)
    }
}

/// A new directory below the one that an address ends in.
private final class DirectoryBelow: FarSide {
    let route: Route

    private let directory: String
    private let carrier: any Carrier

    init(_ parent: String, address: String, scheme: String, carrier: any Carrier) throws {
        let name = "suite-" + String(UInt64.random(in: .min ... .max), radix: 16)
        directory = parent + "/" + name
        self.carrier = carrier
        route = Route(scheme: scheme, address: address + (address.hasSuffix("/") ? "" : "/") + name)
        guard mkdir(directory, 0o700) == 0 else {
            throw SystemFailure("cannot create '\(directory)'", Errno(rawValue: errno))
        }
    }

    private func names() -> [String] { Self.names(in: directory) }

    private static func names(in directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private static func isUnfinished(_ name: String) -> Bool {
        ArrivalName.stagingExtensions.contains { name.lowercased().hasSuffix("." + $0) }
    }

    func publishedNames() async throws -> [String] {
        names().filter { !$0.hasPrefix(".") && !Self.isUnfinished($0) }
    }

    func leftovers() async throws -> [String] { names().filter(Self.isUnfinished) }

    func object(named name: String) async throws -> PublishedObject? {
        guard let source = try? FileSource(path: FilePath(directory + "/" + name)) else { return nil }
        return try await Blocking.run {
            let (digest, size) = try source.digest()
            return PublishedObject(digest: digest, size: size)
        }
    }

    func suffer(_ breakage: Breakage) async throws {
        guard breakage == .absent, rename(directory, directory + ".away") == 0 else {
            throw MissingPower("the far side cannot be made to do that: \(breakage)")
        }
    }

    func mend() async throws { _ = rename(directory + ".away", directory) }

    /// What is delivered along a route is offered along it.
    func offer(_ offer: Offer) async throws {
        guard let name = ArrivalName(offer.name) else { throw MissingPower("'\(offer.name)' cannot be delivered") }
        let bytes = offer.bytes
        let envelope = SealedEnvelope(name: name, digest: offer.claimedDigest, size: offer.claimedSize) {
            () throws(SystemFailure) in
            HeldBytes(bytes: bytes)
        }
        _ = try await carrier.deliver(envelope, along: route, reporting: .none)
    }

    func close() async {
        try? await mend()
        Self.remove(directory)
    }

    private static func remove(_ directory: String) {
        for name in names(in: directory) where unlink(directory + "/" + name) != 0 { remove(directory + "/" + name) }
        rmdir(directory)
    }
}

/// Bytes in memory.
private struct HeldBytes: EnvelopeSource {
    let bytes: [UInt8]

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemFailure) -> Int {
        let rest = bytes.dropFirst(Int(clamping: offset)).prefix(buffer.count)
        buffer.copyBytes(from: rest)
        return rest.count
    }
}

/// A place that only the plug-in can look at. What was there before is not counted.
private struct ListedPlace: FarSide {
    let route: Route

    private let carrier: ExecCarrier
    private let before: Set<String>

    init(_ route: Route, carrier: ExecCarrier) async throws {
        self.route = route
        self.carrier = carrier
        before = Set(try await carrier.published(along: route).map(\.name))
    }

    private func objects() async throws -> [PluginObject] {
        try await carrier.published(along: route).filter { !before.contains($0.name) }
    }

    func publishedNames() async throws -> [String] { try await objects().filter(\.isFinished).map(\.name) }

    func leftovers() async throws -> [String] { try await objects().filter { !$0.isFinished }.map(\.name) }

    func object(named name: String) async throws -> PublishedObject? {
        try await carrier.published(along: route).first { $0.name == name && $0.isFinished }
            .map { PublishedObject(digest: $0.digest, size: $0.size) }
    }
}
