public import Fabric

/// Delivers into directories of hosts that run an SSH server, over SFTP, or by the scp protocol where there is none.
///
/// A route's address is `[user@]host:path` or `scp://[user@]host[:port]/path`; see `SCPAddress`. The bytes go to a staging
/// name, are checked, stored, and then given their name without replacing anything. A connection serves one delivery
/// after another; several deliveries at once have a connection each.
public struct SCPCarrier: ResumableCarrier, ProbingCarrier {
    public static let schemes = ["scp"]

    public let traits = CarrierTraits(
        strongestReceipt: .stored, largestEnvelope: nil, inFlight: 4, publishesAtomically: true)

    private let configuration: SCPCarrierConfiguration
    private let pool: ConnectionPool
    /// One delivery of the same bytes at a time: the second finds that they are there. Other processes are none of this
    /// one's turns; `StagingSlot` keeps them apart.
    private let objects = Turns<Object>(limit: 1)
    private let gate: DeliveryGate

    private struct Object: Hashable, Sendable {
        let address: SCPAddress
        let digest: Digest
    }

    /// A carrier that keeps its connections for as long as it, or a copy of it, lives.
    public init(configuration: SCPCarrierConfiguration = SCPCarrierConfiguration()) {
        self.configuration = configuration
        pool = ConnectionPool(configuration: configuration)
        gate = DeliveryGate(limit: traits.inFlight)
    }

    public func deliver(
        _ envelope: SealedEnvelope, along route: Route, reporting progress: ProgressSink
    ) async throws(CarrierError) -> DeliveryReceipt {
        try await withDelivery(of: envelope, along: route) { delivery throws(SSHFailure) in
            try delivery.run(reporting: progress)
        }
    }

    public func bytesHeld(of envelope: SealedEnvelope, along route: Route) async throws(CarrierError) -> Int64 {
        try await withDelivery(of: envelope, along: route) { delivery throws(SSHFailure) in try delivery.bytesHeld() }
    }

    /// Returns when the user can log in, and a file can be made in the directory.
    public func probe(_ route: Route) async throws(CarrierError) {
        guard let name = ArrivalName("probe") else { return }
        let nothing = SealedEnvelope(name: name, digest: Digest(of: []), size: 0) { Nothing() }
        try await withDelivery(of: nothing, along: route) { delivery throws(SSHFailure) in try delivery.probe() }
    }

    private func withDelivery<Value: Sendable>(
        of envelope: SealedEnvelope, along route: Route,
        _ body: @escaping @Sendable (Delivery) throws(SSHFailure) -> Value
    ) async throws(CarrierError) -> Value {
        guard Self.schemes.contains(route.scheme) else {
            throw CarrierError(.misconfigured, .giveUp, "'\(route.scheme)' is not a scheme of the SCP carrier")
        }
        let address = try SCPAddress(parsing: route.address)
        let object = Object(address: address, digest: envelope.digest)
        return try await gate.pass(to: route) { () async throws(CarrierError) in
            try await objects.take(object, along: route) { () async throws(CarrierError) in
                try await blocking { caller throws(CarrierError) in
                    do throws(SSHFailure) {
                        return try attempt(envelope, route, address, caller, body)
                    } catch {
                        throw error.error(along: route)
                    }
                }
            }
        }
    }

    /// What deliveries have in common that would write to the same file.
    private static func key(_ envelope: SealedEnvelope, _ address: SCPAddress) -> Digest {
        let port = address.port.map(String.init) ?? ""
        let words = [
            envelope.digest.hex, envelope.name.text, address.user ?? "", address.host, port, address.directory,
        ]
        return Digest(of: Array(words.joined(separator: "\n").utf8))
    }

    private func attempt<Value>(
        _ envelope: SealedEnvelope, _ route: Route, _ address: SCPAddress, _ caller: CancellationFlag,
        _ body: (Delivery) throws(SSHFailure) -> Value
    ) throws(SSHFailure) -> Value {
        while true {
            let source = try SourceReading.open(envelope)
            let slot = try StagingSlot.take(for: Self.key(envelope, address))
            let (far, isNew) = try pool.take(address, caller: caller)
            let before = far.connection.bytesSent
            do throws(SSHFailure) {
                let delivery = Delivery(
                    envelope: envelope, source: source, route: route, connection: far.connection,
                    directory: try far.directory(of: address), slot: slot)
                let value = try body(delivery)
                pool.give(far, address)
                return value
            } catch {
                // A connection that waited may be gone without having said so. If that is found at once, it says nothing
                // about the far side.
                let isFresh = far.connection.bytesSent - before < 4096
                guard !isNew, isFresh, error.isLostConnection else { throw error }
            }
        }
    }
}

/// An envelope without bytes, for looking around.
private struct Nothing: EnvelopeSource {
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) -> Int { 0 }
}
