internal import Dispatch
internal import Fabric
internal import Synchronization

/// Connections that wait for their next delivery.
final class ConnectionPool: Sendable {
    /// Who is connected to: everything in an address but the directory.
    struct Host: Hashable, Sendable {
        let user: String?
        let name: String
        let port: Int?

        init(_ address: SCPAddress) {
            user = address.user
            name = address.host
            port = address.port
        }
    }

    private struct Idle: Sendable {
        let far: FarSide
        let since: ContinuousClock.Instant
    }

    private let configuration: SCPCarrierConfiguration
    private let idle = Mutex<[Host: [Idle]]>([:])

    init(configuration: SCPCarrierConfiguration) { self.configuration = configuration }

    /// A connection for `address`: one that waits, or a new one. Blocks.
    func take(_ address: SCPAddress, caller: CancellationFlag) throws(SSHFailure) -> (far: FarSide, isNew: Bool) {
        while let far = waiting(Host(address)) {
            // A server that hung up, or that asks whether anybody is there, has made the socket readable.
            if far.connection.hasNews { continue }
            far.connection.serve(caller)
            return (far, false)
        }
        let connection = try Connector(configuration: configuration).connect(to: address, caller: caller)
        return (try FarSide(connection, configuration), true)
    }

    /// Keeps a connection over which nothing is under way.
    func give(_ far: FarSide, _ address: SCPAddress) {
        idle.withLock { $0[Host(address), default: []].append(Idle(far: far, since: .now)) }
        let seconds = configuration.idleTime.inSeconds
        DispatchQueue(label: "carrier.scp.idle").asyncAfter(deadline: .now() + seconds + 0.1) { [weak self] in
            self?.expire()
        }
    }

    private func waiting(_ host: Host) -> FarSide? {
        expire()
        return idle.withLock { $0[host]?.popLast()?.far }
    }

    private func expire() {
        let limit = ContinuousClock.now - configuration.idleTime
        // Let go outside the lock: saying goodbye takes a moment.
        let expired = idle.withLock { idle in
            let expired = idle.values.flatMap { $0.filter { $0.since < limit } }
            idle = idle.mapValues { $0.filter { $0.since >= limit } }.filter { !$0.value.isEmpty }
            return expired
        }
        _ = expired
    }
}
