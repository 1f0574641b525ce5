internal import CLinux
internal import Glibc
internal import SystemPackage

/// A directory on its way into an envelope, as one tar or as one block per file.
struct SealedDirectory {
    let source: Source
    let options: SealOptions
    let key: SigningKey
    let progress: @Sendable (_ done: Int64, _ expected: Int64?) -> Void

    /// What a first walk found.
    private struct Survey {
        var plan: [EnvelopeBuilder.Plan] = []
        var tarBytes: Int64 = 1024
        var leftOut: [String] = []
        var outsideLinks: [String] = []
        private var entries = 0
        private var folderBytes = 0

        /// Counts a thing and the bytes it takes in the tar, within what a receiver takes.
        mutating func count(_ entry: DirectoryWalk.Entry, below top: [UInt8]) throws(EnvelopeError) {
            entries += 1
            let limits = EnvelopeLimits()
            if tibet_is_directory(entry.status.st_mode) { folderBytes += top.count + 1 + entry.path.count }
            guard entries < limits.unpackedEntries, folderBytes <= limits.unpackedFolderBytes else {
                throw EnvelopeBuilder.tooMuch
            }
            // A header, a pax header with its record, and the content in full 512-byte blocks.
            tarBytes += 512 + 1024 + Int64(entry.path.count / 512 * 512)
            guard tibet_is_regular(entry.status.st_mode) else { return }
            try count(Int64(entry.status.st_size))
        }

        /// Counts bytes of content. A sparse file can be said to have more than there are.
        mutating func count(_ size: Int64) throws(EnvelopeError) {
            guard (0...EnvelopeLimits.contentBytes).contains(size) else { throw EnvelopeBuilder.tooMuch }
            tarBytes += (size + 511) / 512 * 512
            guard tarBytes <= EnvelopeLimits.contentBytes else { throw EnvelopeBuilder.tooMuch }
        }
    }

    func seal(to file: OwnedFile) throws(EnvelopeError) -> SealReport {
        let root = try EnvelopeError.wrapping { () throws(SystemFailure) in
            try OwnedFile(path: FilePath(source.path), flags: O_RDONLY | O_DIRECTORY)
        }
        let own = try EnvelopeError.wrapping { () throws(SystemFailure) in try file.status() }
        let survey = try survey(root, without: own)
        var report =
            options.layout == .tar
            ? try sealTar(root, survey, to: file, without: own) : try sealFiles(root, survey, to: file)
        report.leftOut = survey.leftOut
        report.outsideLinks = options.layout == .tar ? survey.outsideLinks : []
        return report
    }

    /// Looks at everything once, so that the room for the manifest and the progress are known.
    ///
    /// - Parameter own: The envelope that is being written, which may lie in the directory itself.
    private func survey(_ root: OwnedFile, without own: stat) throws(EnvelopeError) -> Survey {
        var survey = Survey()
        let top = Array(source.name.utf8)
        try DirectoryWalk.visit(root, wrapping: EnvelopeError.system) { entry throws(EnvelopeError) in
            guard !entry.is(own) else { return }
            let mode = entry.status.st_mode
            let shown = String(decoding: entry.path, as: UTF8.self)
            let depth = 2 + entry.path.count { $0 == UInt8(ascii: "/") }
            guard !entry.path.contains(where: { $0 < 0x20 || $0 == 0x7f || $0 == UInt8(ascii: "\\") }) else {
                throw .unusableInput(
                    shown, reason: "its name holds a control character or a backslash, which no receiver unpacks")
            }
            guard depth <= EnvelopeLimits.pathDepth, top.count + 1 + entry.path.count <= EnvelopeLimits.pathBytes else {
                throw .unusableInput(shown, reason: "it lies too deep for any receiver to unpack")
            }
            try survey.count(entry, below: top)
            if tibet_is_symlink(mode) {
                let target = try EnvelopeError.wrapping { () throws(SystemFailure) in try entry.linkTarget() }
                let isInside = LinkRule.staysInside(target, link: top + [UInt8(ascii: "/")] + entry.path) { path in
                    let inner = path.dropFirst(top.count + 1).map(CChar.init(bitPattern:)) + [0]
                    let descriptor = tibet_open_folder_beneath(root.descriptor, inner)
                    if descriptor >= 0 { close(descriptor) }
                    return descriptor >= 0
                }
                if !isInside {
                    survey.outsideLinks.append(shown)
                }
                try planLinked(entry, into: &survey)
            } else if tibet_is_regular(mode) {
                try plan(entry, size: Int64(entry.status.st_size), into: &survey)
            } else if !tibet_is_directory(mode) {
                survey.leftOut.append(shown)
            }
        }
        return survey
    }

    private func plan(_ entry: DirectoryWalk.Entry, size: Int64, into survey: inout Survey) throws(EnvelopeError) {
        guard options.layout == .files else { return }
        guard let name = String(validating: entry.path, as: UTF8.self) else {
            throw .unusableInput(
                String(decoding: entry.path, as: UTF8.self), reason: "its name is not UTF-8; use the layout tar")
        }
        try BlockName.check(name)
        survey.plan.append(.init(name: name, size: size))
    }

    /// In the peers' layout a link to a file is packed as that file (`envelope.md`, section 6).
    private func planLinked(_ entry: DirectoryWalk.Entry, into survey: inout Survey) throws(EnvelopeError) {
        guard options.layout == .files else { return }
        var status = stat()
        guard fstatat(entry.folder.descriptor, entry.name, &status, 0) == 0, tibet_is_regular(status.st_mode) else {
            return
        }
        try survey.count(Int64(status.st_size))
        try plan(entry, size: Int64(status.st_size), into: &survey)
    }

    // MARK: - As one tar

    private func sealTar(
        _ root: OwnedFile, _ survey: Survey, to file: OwnedFile, without own: stat
    ) throws(EnvelopeError) -> SealReport {
        let content = source.name + ".tar"
        try BlockName.check(content, boundsLength: false)
        var options = options
        options.contentLayout = .tar
        options.fitBlockSize(to: survey.tarBytes)
        let builder = try EnvelopeBuilder(
            file: file, options: options, plan: [.init(name: content, size: survey.tarBytes)])
        builder.begin(content)
        try ThreadLocale.utf8.run { () throws(EnvelopeError) in
            let tar = try TarWriter(into: builder)
            try tar.run { () throws(EnvelopeError) in try addAll(root, to: tar, builder: builder, survey, without: own)
            }
        }
        try builder.end()
        return try builder.report(signedBy: key)
    }

    private func addAll(
        _ root: OwnedFile, to tar: TarWriter, builder: EnvelopeBuilder, _ survey: Survey, without own: stat
    ) throws(EnvelopeError) {
        let top = Array(source.name.utf8) + [UInt8(ascii: "/")]
        try tar.add(path: top, status: source.status)
        try DirectoryWalk.visit(root, wrapping: EnvelopeError.system) { entry throws(EnvelopeError) in
            guard !entry.is(own) else { return }
            let mode = entry.status.st_mode
            let path = top + entry.path
            if tibet_is_directory(mode) {
                try tar.add(path: path + [UInt8(ascii: "/")], status: entry.status)
            } else if tibet_is_symlink(mode) {
                let target = try EnvelopeError.wrapping { () throws(SystemFailure) in try entry.linkTarget() }
                try tar.add(path: path, status: entry.status, linkTarget: target)
            } else if tibet_is_regular(mode) {
                let opened = try EnvelopeError.wrapping { () throws(SystemFailure) in try entry.open() }
                let size = try add(opened, as: path, entry.status, to: tar)
                try builder.noteGrowth(of: opened, beyond: size, name: String(decoding: entry.path, as: UTF8.self))
            }
            progress(builder.contentBytes, survey.tarBytes)
        }
    }

    /// Adds a file, and says how many bytes of it. A small one is read beforehand, because what the kernel makes up as it
    /// is read does not have the length that it says.
    private func add(
        _ file: OwnedFile, as path: [UInt8], _ status: stat, to tar: TarWriter
    ) throws(EnvelopeError) -> Int64 {
        let size = Int64(status.st_size)
        guard size <= EnvelopeBuilder.mayBeShorter else {
            try tar.add(path: path, status: status) { room, position throws(SystemFailure) in
                try file.read(into: room, at: position)
            }
            return size
        }
        let most = Int(size == 0 ? EnvelopeBuilder.mayBeShorter : size)
        let content = try EnvelopeError.wrapping { () throws(SystemFailure) in try file.bytes(atMost: most) }
        var real = status
        real.st_size = content.count
        try tar.add(path: path, status: real) { room, position throws(SystemFailure) in
            let rest = content[Int(position)...].prefix(room.count)
            room.copyBytes(from: rest)
            return rest.count
        }
        return Int64(content.count)
    }

    // MARK: - As files

    private func sealFiles(_ root: OwnedFile, _ survey: Survey, to file: OwnedFile) throws(EnvelopeError) -> SealReport
    {
        guard !survey.plan.isEmpty else { throw .unusableInput(source.path, reason: "there are no files in it") }
        var options = options
        options.contentLayout = .files
        let total = survey.plan.reduce(0) { $0 + $1.size }
        options.fitBlockSize(to: total)
        let builder = try EnvelopeBuilder(file: file, options: options, plan: survey.plan)
        for content in survey.plan {
            let opened = try EnvelopeError.wrapping { () throws(SystemFailure) in
                try OwnedFile(content.name, in: root, flags: O_RDONLY)
            }
            let (report, before) = (progress, builder.contentBytes)
            try builder.add(content.name, from: opened, size: content.size) { report(before + $0, total) }
        }
        return try builder.report(signedBy: key)
    }
}
