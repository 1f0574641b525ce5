internal import GRDB
internal import Glibc
public import SystemPackage

/// An envelope that lies in the outbox, with the deliveries that were ordered for it.
public struct SealedEntry: Sendable {
    /// What carriers are given.
    public let envelope: SealedEnvelope
    /// Its transfer id.
    public let transferID: TransferID
    /// What became of sealing it; nil for one that was sealed before.
    public let report: SealReport?
    /// The number of content bytes; nil where the envelope does not say.
    public let contentBytes: Int64?
    /// The deliveries, in the order of the orders. Empty for a rehearsal, of which nothing is kept.
    public let entries: [OutboxEntry]
}

extension Outbox {
    /// Seals `input` into the outbox under a name that this host has not used before (`surface.md`, R10), and orders its
    /// deliveries. On return all of it is on stable storage.
    ///
    /// - Parameters:
    ///   - name: The surface name to use; digits of the digest are added if it was used already.
    ///   - orders: Where it is to go. None for a rehearsal: the envelope is sealed, described, and removed.
    /// - Throws: Nothing is left in the outbox then.
    public func seal(
        _ input: SealInput, as name: ArrivalName, with sealer: Sealer, at moment: Timestamp, orders: [DeliveryOrder]
    ) throws(OutboxError) -> SealedEntry {
        let staged = try stage()
        var isPublished = false
        defer { if !isPublished { staged.discard() } }
        configuration.hooks.pass(.staged)
        let report: SealReport
        do throws(EnvelopeError) {
            report = try sealer.seal(input, into: staged.file)
        } catch {
            throw .envelope(error)
        }
        let (digest, size) = try OutboxError.wrapping { () throws(SystemFailure) in
            try staged.file.synchronize()
            return try staged.file.digest()
        }
        configuration.hooks.pass(.sealed)
        let unique = try claim(name, digest: digest, at: moment)
        configuration.hooks.pass(.named)
        let envelope = Envelope(transferID: report.transferID, digest: digest, name: unique, size: size)
        let entries = try keep(staged, envelope, orders: orders, isPublished: &isPublished)
        return SealedEntry(
            envelope: sealed(envelope, as: entries), transferID: report.transferID, report: report,
            contentBytes: report.contentBytes, entries: entries)
    }

    /// Takes a copy of the envelope in the file at `path` into the outbox, and orders its deliveries. On return all of
    /// it is on stable storage; the file itself stays as it is.
    ///
    /// - Parameter name: The name to deliver it under; nil for that of the file, or the manifest's own.
    /// - Throws: `envelope` when it is not valid. Nothing is left in the outbox then.
    public func enqueue(
        _ path: FilePath, as name: ArrivalName? = nil, orders: [DeliveryOrder]
    ) throws(OutboxError) -> SealedEntry {
        let staged = try stage()
        var isPublished = false
        defer { if !isPublished { staged.discard() } }
        try OutboxError.wrapping { () throws(SystemFailure) in
            try staged.file.copy(from: try OwnedFile(path: path, flags: O_RDONLY | O_NONBLOCK))
        }
        // The copy is verified and not the original, which may change meanwhile.
        let manifest = try verifiedManifest(of: staged)
        let (digest, size) = try OutboxError.wrapping { () throws(SystemFailure) in try staged.file.digest() }
        // One that is named by its digest comes from an outbox, and has no name of its own.
        let ownName = path.lastComponent.flatMap { component in
            EnvelopeStore.digest(fileName: component.string) == nil ? ArrivalName(component.string) : nil
        }
        guard let name = name ?? ownName ?? manifest.surface.canonicalName(today: configuration.clock.now()) else {
            throw .envelope(
                .unusableInput(path.string, reason: "it has no name that it could be delivered under; rename it"))
        }
        let envelope = Envelope(transferID: manifest.transferID, digest: digest, name: name, size: size)
        let entries = try keep(staged, envelope, orders: orders, isPublished: &isPublished)
        return SealedEntry(
            envelope: sealed(envelope, as: entries), transferID: manifest.transferID, report: nil,
            contentBytes: manifest.decodedSize.map { Int64(clamping: $0) }, entries: entries)
    }

    /// What the index knows of an envelope.
    private struct Envelope {
        var transferID: TransferID
        var digest: Digest
        var name: ArrivalName
        var size: Int64
    }

    private func sealed(_ envelope: Envelope, as entries: [OutboxEntry]) -> SealedEnvelope {
        // One that is in the outbox already keeps the name that it has there.
        SealedEnvelope(
            file: store.path(of: envelope.digest), name: entries.first?.name ?? envelope.name,
            digest: envelope.digest, size: envelope.size)
    }

    private func stage() throws(OutboxError) -> EnvelopeStore.Staged {
        try OutboxError.wrapping { () throws(SystemFailure) in try store.stage() }
    }

    private func claim(_ name: ArrivalName, digest: Digest, at moment: Timestamp) throws(OutboxError) -> ArrivalName {
        do throws(SurfaceError) {
            return try names.claim(name, digest: digest, at: moment)
        } catch {
            throw .names(error)
        }
    }

    private func verifiedManifest(of staged: EnvelopeStore.Staged) throws(OutboxError) -> Manifest {
        do throws(EnvelopeError) {
            let envelope = try EnvelopeFile(path: directory.appending(staged.name))
            if let fault = try envelope.verifyBlocks().faults.first { throw EnvelopeError.fault(fault) }
            return envelope.manifest
        } catch {
            throw .envelope(error)
        }
    }

    /// Publishes the file, then writes down its deliveries, then lets go of it.
    private func keep(
        _ staged: EnvelopeStore.Staged, _ envelope: Envelope, orders: [DeliveryOrder], isPublished: inout Bool
    ) throws(OutboxError) -> [OutboxEntry] {
        guard !orders.isEmpty else { return [] }
        let held = try OutboxError.wrapping { () throws(SystemFailure) in
            try store.publish(staged, as: envelope.digest, size: envelope.size)
        }
        isPublished = true
        configuration.hooks.pass(.published)
        let entries: [OutboxEntry]
        do throws(OutboxError) {
            entries = try index.write { database in
                try insert(envelope, in: database)
                return try orders.map { try insert($0, of: envelope, in: database) }
            }
        } catch {
            // Nobody was told of it, so it is not kept either, unless it was there before.
            _ = try? removeIfUnneeded(envelope.digest, holding: held)
            throw error
        }
        withExtendedLifetime(held) {}
        configuration.hooks.pass(.indexed)
        bell.ring()
        return entries
    }

    private func insert(_ envelope: Envelope, in database: Database) throws {
        try database.execute(
            sql: "INSERT OR IGNORE INTO envelope (digest, transfer_id, name, size) VALUES (?, ?, ?, ?)",
            arguments: [envelope.digest.hex, envelope.transferID.text, envelope.name.text, envelope.size])
    }

    private func insert(_ order: DeliveryOrder, of envelope: Envelope, in database: Database) throws -> OutboxEntry {
        let target = order.target
        for _ in 0..<8 {
            let id = OutboxID.random()
            try database.execute(
                sql: """
                    INSERT OR IGNORE INTO delivery (id, digest, target, transport, minimum_trust, uses_lookup, wanted,
                        state, reason, since, created, due, expiry, options)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    id.text, envelope.digest.hex, target.text, target.transport, target.minimumTrust,
                    target.usesLookup, order.wanted.rawValue,
                    (order.isHeld ? DeliveryState.held : .queued).rawValue,
                    order.isHeld ? "it was asked to wait" : nil, now, now, order.isHeld ? nil : now,
                    order.expiry?.milliseconds, try IndexRows.text(ofOptions: target.options),
                ])
            if database.changesCount == 1 { return try entry(id, in: database) }
        }
        throw OutboxError.index(code: 19, message: "no free id was found")
    }
}

extension OwnedFile {
    /// Copies all of `source` here, from its beginning, in constant memory.
    fileprivate func copy(from source: OwnedFile) throws(SystemFailure) {
        let buffer = Memory(byteCount: 1 << 20)
        var offset: Int64 = 0
        while true {
            let count = try source.read(into: buffer.bytes, at: offset)
            if count == 0 { break }
            try write(buffer.read(count), at: offset)
            offset += Int64(count)
        }
        try synchronize()
    }
}
