internal import Fabric
internal import Glibc
internal import SystemPackage

/// An envelope that a plug-in holds in a file.
struct ExecArrival: Arrival {
    let carrier: ExecCarrier
    let route: Route
    let id: String
    let path: String
    let requestedName: ArrivalName
    let claimedDigest: Digest
    let size: Int64
    let lease: Duration?
    private let log = SettlementLog()

    init(
        carrier: ExecCarrier, route: Route, id: String, path: String, requestedName: ArrivalName, claimedDigest: Digest,
        size: Int64, lease: Duration?
    ) {
        self.carrier = carrier
        self.route = route
        self.id = id
        self.path = path
        self.requestedName = requestedName
        self.claimedDigest = claimedDigest
        self.size = size
        self.lease = lease
    }

    func copy(into sink: any EnvelopeSink, from offset: Int64) async throws(CopyError) {
        try await BlockingCall.run { isCancelled throws(CopyError) in
            let descriptor = try openFile()
            defer { close(descriptor) }
            try copy(descriptor, into: sink, from: offset, unless: isCancelled)
        }
    }

    /// Opens the file, which must be an ordinary one of the size that was claimed.
    private func openFile() throws(CopyError) -> Int32 {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw .source(
                CarrierError(
                    .unreachable, .retry(after: nil),
                    "cannot open '\(path)' of the plug-in '\(carrier.plugin.name)': \(String(cString: strerror(errno)))"
                ))
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, Int64(status.st_size) == size else {
            close(descriptor)
            throw other("is not a file of \(size) bytes")
        }
        return descriptor
    }

    private func copy(
        _ descriptor: Int32, into sink: any EnvelopeSink, from offset: Int64, unless isCancelled: () -> Bool
    ) throws(CopyError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { buffer.deallocate() }
        var place = offset
        while place < size {
            guard !isCancelled() else { throw .source(.cancelled(carrier.plugin)) }
            let wanted = Int(min(Int64(buffer.count), size - place))
            let count = pread(descriptor, buffer.baseAddress, wanted, off_t(place))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw other("ends before \(size) bytes") }
            do throws(LaneError) {
                try sink.write(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]))
            } catch {
                throw .sink(error)
            }
            place += Int64(count)
        }
    }

    private func other(_ what: String) -> CopyError {
        .source(CarrierError(.corrupted, .giveUp, "'\(path)' of the plug-in '\(carrier.plugin.name)' \(what)"))
    }

    func settle(_ settlement: Settlement) async throws(SettlementError) {
        try await log.settle(settlement) { () async throws(SettlementError) in
            let request = Self.request(id, settlement, along: route)
            let message: PluginMessage
            do throws(CarrierError) {
                // A task that was cancelled still has to say what became of the arrival. The plug-in's time is limited.
                message = try await BlockingCall.run { _ throws(CarrierError) in try ask(request, { false }) }
            } catch {
                throw .notTold(error)
            }
            guard message.type == "settled" else { throw .leaseLost }
        }
    }

    /// The message that answers: `settled`, or the error that the lease is lost.
    private func ask(
        _ request: PluginRequest, _ isCancelled: @escaping @Sendable () -> Bool
    ) throws(CarrierError) -> PluginMessage {
        let plugin = carrier.plugin
        var answer: PluginMessage?
        try carrier.session(isCancelled).run(request) { message, _ throws(CarrierError) in
            switch message.type {
            case "settled": answer = message
            case "error" where message.kind == "lease_lost": answer = message
            case "error": throw CarrierError(message, from: plugin)
            default: throw .misbehaved(plugin, "answered 'settle' with '\(message.type.prefix(40))'")
            }
            return .finish
        }
        guard let answer else { throw .misbehaved(plugin, "did not answer") }
        return answer
    }

    /// What a plug-in is told of an arrival.
    static func request(_ id: String, _ settlement: Settlement, along route: Route) -> PluginRequest {
        var request = PluginRequest(.settle, address: route.address)
        request.id = id
        switch settlement {
        case .commit: request.settlement = "commit"
        case .extend(let duration):
            request.settlement = "extend"
            request.seconds = seconds(duration)
        case .release(let duration):
            request.settlement = "release"
            request.seconds = seconds(duration)
        case .refuse(let reason):
            request.settlement = "refuse"
            // It goes through an environment, which takes no zeros and no end of bytes.
            request.reason = String(reason.unicodeScalars.filter { $0.value >= 0x20 }.prefix(1000).map(Character.init))
        }
        return request
    }

    /// Whole seconds, rounded up.
    private static func seconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return max(0, seconds + (attoseconds > 0 ? 1 : 0))
    }
}
